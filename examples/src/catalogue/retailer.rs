//! Alderhaus, a retailer of furniture and light: delimited by semicolons, decimal commas, a byte order mark and CR LF, as spreadsheets on the
//! continent save it.

use super::{
    article::{articles, decimal, gtin},
    random::Random,
    words::{RETAIL_BRANDS, RETAILER},
    write::row,
};

const OFFERS: usize = 480;

pub(super) fn text(seed: u64) -> String {
    let mut random = Random::of(seed, "retailer");
    let header = [
        "Article number",
        "Title",
        "Description",
        "Language",
        "Brand",
        "EAN",
        "Category",
        "Price",
        "Currency",
        "RRP",
        "Stock",
        "Regions",
        "Lead hours",
    ];
    let mut text = format!("\u{feff}{}", row(';', &header.map(str::to_owned), "\r\n"));
    for (n, article) in (1_u64..).zip(articles(&mut random, RETAILER, RETAIL_BRANDS, OFFERS)) {
        // Every eighth article is sold out: a retailer that never passes an order on would have no need of this market.
        let stock = if random.below(8) == 0 {
            0
        } else {
            random.between(1, 40)
        };
        let suggested = article.minor + article.minor / 1_000 * 100;
        text.push_str(&row(
            ';',
            &[
                format!("AH-{}-{:04}", article.code, n),
                article.title,
                article.description,
                "en".to_owned(),
                article.brand.to_owned(),
                gtin(1, n).to_string(),
                article.category.to_owned(),
                decimal(article.minor, ','),
                "EUR".to_owned(),
                decimal(suggested, ','),
                stock.to_string(),
                "AT, BE, DE, NL".to_owned(),
                "24-72".to_owned(),
            ],
            "\r\n",
        ));
    }
    text
}
