//! Caldmoor & Rowe, a wholesaler of garden, kitchen and tools: comma-separated, gzipped. It has what the retailer lacks.

use super::{
    article::{Article, articles, decimal, gtin},
    random::Random,
    words::{WHOLESALE_BRANDS, WHOLESALER},
    write::row,
};

/// How many offers the wholesaler has, with whatever seed.
pub const WHOLESALER_OFFERS: usize = 2_400;

/// The article of the story, which stands in every wholesaler's catalogue with this number: a patio heater at 129.00 GBP, 40 in stock. The
/// retailer sells nothing of the kind.
pub const STORY_SKU: &str = "CR-HTR-STORY";

const HEADER: [&str; 17] = [
    "sku",
    "title",
    "description",
    "language",
    "brand",
    "ean",
    "mpn",
    "category",
    "price",
    "currency",
    "tiers",
    "rrp",
    "stock",
    "increment",
    "minimum",
    "lead",
    "white_label",
];

pub(super) fn text(seed: u64) -> String {
    let mut random = Random::of(seed, "wholesaler");
    let mut text = row(',', &HEADER.map(str::to_owned), "\n");
    text.push_str(&cells(STORY_SKU, 0, &story(), 40, 1));
    for (n, article) in (1_u64..).zip(articles(
        &mut random,
        WHOLESALER,
        WHOLESALE_BRANDS,
        WHOLESALER_OFFERS - 1,
    )) {
        let stock = random.pick(0, &[6, 12, 24, 48, 96, 240]) + random.below(6);
        // Small things are sold by the box.
        let increment = if article.minor < 5_000 {
            random.pick(1, &[4, 6, 12])
        } else {
            1
        };
        let sku = format!("CR-{}-{n:04}", article.code);
        text.push_str(&cells(&sku, n, &article, stock, increment));
    }
    text
}

fn story() -> Article {
    Article {
        code: "HTR",
        category: "Garden > Patio heaters",
        brand: "Emberly",
        model: "Solano",
        size: "2.0 kW",
        title: "Emberly Solano patio heater, 2.0 kW, black".to_owned(),
        description: "Patio heater Solano in black, 2.0 kW. Infrared, warm within seconds, protected against rain (IP65).".to_owned(),
        minor: 12_900,
    }
}

fn cells(sku: &str, n: u64, article: &Article, stock: u64, increment: u64) -> String {
    let first = if increment == 1 { 12 } else { increment * 4 };
    let price = |percent: u64| decimal(article.minor * percent / 100, '.');
    row(
        ',',
        &[
            sku.to_owned(),
            article.title.clone(),
            article.description.clone(),
            "en".to_owned(),
            article.brand.to_owned(),
            gtin(3, n).to_string(),
            format!("{}{:05}", article.code, n * 7 + 10_000),
            article.category.to_owned(),
            price(100),
            "GBP".to_owned(),
            format!("{first}:{} {}:{}", price(95), first * 5, price(91)),
            decimal(article.minor * 3 / 200 * 100 + 99, '.'),
            stock.to_string(),
            increment.to_string(),
            increment.to_string(),
            "24-48".to_owned(),
            "yes".to_owned(),
        ],
        "\n",
    )
}
