//! Approved partners on the command line: `--from PARTNER[=SKU]`, how they are told, and what
//! asking each would come to.

use super::plain::plain;
use crate::view::policy::{SourceDoc, SourceTrialView};

/// Reads `PARTNER=SKU`s. Who they are is the node's to say.
pub(super) fn sources(from: &[String]) -> Vec<SourceDoc> {
    let from = from.iter().map(|from| {
        let (partner, sku) = match from.split_once('=') {
            Some((partner, sku)) => (partner, Some(sku.to_owned())),
            None => (from.as_str(), None),
        };
        let partner = partner.to_owned();
        SourceDoc { partner, sku }
    });
    from.collect()
}

/// Partners by their names, as far as these are known.
pub(super) fn asks(from: &[SourceDoc], names: &[Option<String>]) -> String {
    let named = from.iter().zip(names).map(|(source, name)| {
        let who = name.as_deref().unwrap_or(&source.partner);
        with_article(who, source.sku.as_deref())
    });
    named.collect::<Vec<_>>().join(", ")
}

/// One of them, with the article that is asked for.
pub(super) fn tried(source: &SourceTrialView) -> String {
    let who = source.name.as_deref().unwrap_or(&source.partner);
    with_article(who, source.sku.as_deref())
}

fn with_article(who: &str, sku: Option<&str>) -> String {
    match sku {
        Some(sku) => format!("{}={}", plain(who), plain(sku)),
        None => plain(who),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_article_follows_the_first_sign_of_equality() {
        let check = |text: &str, partner: &str, sku: Option<&str>| {
            let read = sources(&[text.to_owned()]);
            let expected = SourceDoc {
                partner: partner.to_owned(),
                sku: sku.map(str::to_owned),
            };
            assert_eq!(read, [expected], "{text}");
        };
        check("Leaf", "Leaf", None);
        check("Leaf=FIT", "Leaf", Some("FIT"));
        check("Leaf & Co=A=B", "Leaf & Co", Some("A=B"));
        check("Leaf=", "Leaf", Some(""));
    }
}
