//! Which column gives what: by its name, by flags, and never two at once.

use omni_node::formats::{draft::Category, options::Attributes};

use crate::{Outcome, options, read};

fn one(content: &str, flags: &[&str]) -> Outcome {
    let outcome = read("a.csv", content, options(flags));
    assert_eq!(
        (outcome.fault(), outcome.problems.len()),
        (None, 0),
        "{content}: {:?}",
        outcome.told()
    );
    outcome
}

#[test]
fn common_names_are_recognised() {
    for header in [
        "sku,title,price,currency",
        "SKU,Name,Price,Currency",
        "id,product_name,Unit Price,currency-code",
        "Item Number,Product Title,PRICE,price currency",
        "Artikelnummer,Bezeichnung,Preis,Währung",
        "Код_товару,Назва_позиції,Ціна,Валюта",
        "g:id,g:title,g:price,currency",
    ] {
        let draft = &one(&format!("{header}\nA1,Lamp,12.50,EUR\n"), &[]).drafts[0];
        let found = (&*draft.sku, &*draft.title, draft.minor, &*draft.currency);
        assert_eq!(found, ("A1", "Lamp", 1250, "EUR"), "{header}");
    }
}

#[test]
fn the_surer_name_wins() {
    let draft = &one(
        "id,sku,name,title,price,currency\n7,A1,long,short,1,EUR\n",
        &[],
    )
    .drafts[0];
    assert_eq!((&*draft.sku, &*draft.title), ("A1", "short"));
}

#[test]
fn flags_win_over_names() {
    let draft = &one(
        "sku,name,price,dealer\nA1,Lamp,12.50,9.00\n",
        &["sku:name", "price:dealer", "currency=EUR"],
    )
    .drafts[0];
    assert_eq!(
        (&*draft.sku, &*draft.title, draft.minor),
        ("Lamp", "Lamp", 900)
    );
    let outcome = read(
        "a.csv",
        "sku,name,price\nA1,Lamp,1\n",
        options(&["price:cost"]),
    );
    let fault = outcome.fault().expect("there is no such column");
    assert!(
        fault.contains(
            "no column \"cost\", which is to give price; its columns are sku, name, price"
        ),
        "{fault}"
    );
}

#[test]
fn texts_fall_back_and_prices_do_not() {
    let content = "sku,title,name_de,name_fr,ean,upc,price,unit price,currency\nA,,,Lampe,,036000291452,,5,EUR\n";
    let outcome = read("a.csv", content, options(&[]));
    assert_eq!(outcome.told(), ["2 price no-price"]);
    let draft = &one(&content.replace(",,5,", ",4,5,"), &[]).drafts[0];
    assert_eq!(
        (&*draft.title, draft.gtin, draft.minor),
        ("Lampe", Some(36_000_291_452), 400)
    );
}

#[test]
fn the_language_chooses_among_texts() {
    let content = "sku,name_de,name_fr,price,currency\nA,Leuchte,Lampe,1,EUR\n";
    for (flags, expected) in [
        (&[][..], "Leuchte"),
        (&["language=de"], "Leuchte"),
        (&["language=fr-CA"], "Lampe"),
    ] {
        assert_eq!(one(content, flags).drafts[0].title, expected, "{flags:?}");
    }
}

#[test]
fn what_is_not_recognised_is_published_only_on_demand() {
    let content = "sku,title,price,currency,Purchase price,Colour\nA,T,9,EUR,4,red\n";
    let outcome = one(content, &[]);
    assert_eq!(outcome.reports[0].untaken, ["Colour", "Purchase price"]);
    assert_eq!(outcome.drafts[0].attributes, []);
    let mut named = options(&[]);
    named.attributes = Attributes::Named(vec!["colour".to_owned()]);
    let outcome = read("a.csv", content, named);
    assert_eq!(
        outcome.drafts[0].attributes,
        [("Colour".to_owned(), "red".to_owned())]
    );
    assert_eq!(outcome.reports[0].untaken, ["Purchase price"]);
    let mut all = options(&[]);
    all.attributes = Attributes::All;
    assert_eq!(read("a.csv", content, all).drafts[0].attributes.len(), 2);
}

#[test]
fn categories_keep_their_scheme_and_one_form() {
    for (header, cell, scheme, code) in [
        (
            "category",
            "Home >Light>  Lamps",
            "own",
            "Home > Light > Lamps",
        ),
        (
            "google_product_category",
            "Home & Garden > Lighting",
            "google",
            "Home & Garden > Lighting",
        ),
    ] {
        let draft = &one(
            &format!("sku,title,price,currency,{header}\nA,T,1,EUR,{cell}\n"),
            &[],
        )
        .drafts[0];
        let code = code.to_owned();
        assert_eq!(draft.category, Some(Category { scheme, code }));
    }
}

#[test]
fn several_pictures_in_one_cell() {
    for (cell, expected) in [
        ("https://a/1.jpg", 1),
        ("https://a/1.jpg, https://a/2,3.jpg", 2),
        ("https://a/1.jpg|https://a/2.jpg|https://a/1.jpg", 2),
        ("https://a/r?to=http://b/c.jpg", 1),
    ] {
        let draft = &one(
            &format!("sku;title;price;currency;image\nA;T;1;EUR;{cell}\n"),
            &[],
        )
        .drafts[0];
        assert_eq!(draft.images.len(), expected, "{cell}: {:?}", draft.images);
    }
    let outcome = read(
        "a.csv",
        "sku,title,price,currency,image\nA,T,1,EUR,lamp.jpg\n",
        options(&[]),
    );
    assert_eq!(outcome.told(), ["2 image left-out"]);
    assert_eq!(outcome.counts(), [1, 0, 0, 0, 0, 1]);
}

#[test]
fn shopify_tables() {
    let content = "Handle,Title,Body (HTML),Vendor,Option1 Name,Option1 Value,Variant SKU,Variant Price,Variant Inventory Qty,Image Src\n\
        top,Varsity Top,<p>Soft &amp; warm</p><p>Wool</p>,Acme,Size,Small,,60,3,\n\
        top,,,,,Large,TOP-L,65,0,\n\
        top,,,,,,,,,https://a/2.jpg\n\
        cup,Cup,,Acme,Title,Default Title,,9.99,1,\n";
    let outcome = read("a.csv", content, options(&["currency=EUR"]));
    let found: Vec<_> = outcome
        .drafts
        .iter()
        .map(|d| (&*d.sku, &*d.title, &*d.group, &*d.brand, d.minor))
        .collect();
    let expected = [
        ("top/Small", "Varsity Top, Small", "top", "Acme", 6000),
        ("TOP-L", "Varsity Top, Large", "top", "Acme", 6500),
        ("cup", "Cup", "cup", "Acme", 999),
    ];
    assert_eq!(found, expected);
    assert_eq!(outcome.drafts[1].description, "Soft & warm\nWool");
    assert_eq!(
        outcome.counts(),
        [3, 0, 0, 1, 0, 0],
        "the further picture's row has no price"
    );
}
