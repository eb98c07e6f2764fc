//! Fennmark Werkstatt, a maker of furniture: one JSON document whose `products` are the rows, prices as JSON numbers.

use super::{
    article::{articles, decimal, gtin},
    random::Random,
    words::MAKER,
    write::{object, text as json},
};

const OFFERS: usize = 300;

pub(super) fn text(seed: u64) -> String {
    let mut random = Random::of(seed, "maker");
    let rows: Vec<String> = (1_u64..)
        .zip(articles(&mut random, MAKER, &["Fennmark"], OFFERS))
        .map(|(n, article)| {
            let ten = article.minor * 94 / 100;
            let fifty = article.minor * 89 / 100;
            object(&[
                ("sku", json(&format!("FM-{}-{n:04}", article.code))),
                ("name", json(&article.title)),
                ("description", json(&article.description)),
                ("language", json("en")),
                ("brand", json(article.brand)),
                ("gtin", json(&gtin(2, n).to_string())),
                (
                    "mpn",
                    json(&format!(
                        "{}-{}-{n}",
                        article.code,
                        article.model.to_uppercase()
                    )),
                ),
                ("category", json(article.category)),
                (
                    "group",
                    json(&format!("{} {}", article.code, article.model)),
                ),
                ("price", decimal(article.minor, '.')),
                ("currency", json("EUR")),
                (
                    "tiers",
                    json(&format!(
                        "10:{} 50:{}",
                        decimal(ten, '.'),
                        decimal(fifty, '.')
                    )),
                ),
                ("stock", random.between(0, 25).to_string()),
                ("lead", json("72-240")),
                ("white_label", "true".to_owned()),
                ("size", json(article.size)),
            ])
        })
        .collect();
    let maker = object(&[
        ("name", json("Fennmark Werkstatt")),
        ("seed", seed.to_string()),
    ]);
    format!(
        "{{\"maker\":{maker},\n\"products\":[\n{}\n]}}\n",
        rows.join(",\n")
    )
}
