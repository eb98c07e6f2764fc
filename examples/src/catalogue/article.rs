//! Articles out of word lists: every combination once, in the order of the seed, with numbers and prices.

use super::{
    random::Random,
    words::{Family, MODELS},
};

/// An article before it has a catalogue's form.
#[derive(Clone, Debug)]
pub(super) struct Article {
    pub(super) code: &'static str,
    pub(super) category: &'static str,
    pub(super) brand: &'static str,
    pub(super) model: &'static str,
    pub(super) size: &'static str,
    pub(super) title: String,
    pub(super) description: String,
    /// Minor units of a currency with two digits.
    pub(super) minor: u64,
}

/// So many different articles, those of one family together.
pub(super) fn articles(
    random: &mut Random,
    families: &[Family],
    brands: &[&'static str],
    count: usize,
) -> Vec<Article> {
    let share = count / families.len();
    let surplus = count % families.len();
    let mut articles = vec![];
    for (n, family) in families.iter().enumerate() {
        let mut all = combinations(random, family, brands);
        random.shuffle(&mut all);
        all.truncate(share + usize::from(n < surplus));
        articles.extend(all);
    }
    articles
}

fn combinations(random: &mut Random, family: &Family, brands: &[&'static str]) -> Vec<Article> {
    let mut all = vec![];
    for &brand in brands {
        for &model in MODELS {
            // One price level for each model: its sizes and finishes cost alike, as buyers expect.
            let level = random.between(85, 118);
            for (n, &size) in family.sizes.iter().enumerate() {
                let minor = charm((family.price + family.more * n as u64) * level);
                for &finish in family.finishes {
                    all.push(Article {
                        code: family.code,
                        category: family.category,
                        brand,
                        model,
                        size,
                        title: format!(
                            "{brand} {model} {noun}, {size}, {finish}",
                            noun = family.noun
                        ),
                        description: format!(
                            "{noun} {model} in {finish}, {size}. {says}",
                            noun = capital(family.noun),
                            says = family.says
                        ),
                        minor,
                    });
                }
            }
        }
    }
    all
}

/// The price just below, as shops have it: 123.45 becomes 122.90.
fn charm(minor: u64) -> u64 {
    (minor / 100).max(2) * 100 - 10
}

fn capital(noun: &str) -> String {
    let mut letters = noun.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

/// A GTIN of 13 digits out of 200 to 299, which GS1 leaves to each company's own use, with its check digit.
pub(super) fn gtin(partner: u64, article: u64) -> u64 {
    let without = (200 + partner % 100) * 1_000_000_000 + article % 1_000_000_000;
    let (mut rest, mut weight, mut sum) = (without, 3, 0);
    while rest > 0 {
        sum += rest % 10 * weight;
        rest /= 10;
        weight = 4 - weight;
    }
    without * 10 + (10 - sum % 10) % 10
}

/// An amount with two digits after the separator.
pub(super) fn decimal(minor: u64, separator: char) -> String {
    format!("{}{separator}{:02}", minor / 100, minor % 100)
}
