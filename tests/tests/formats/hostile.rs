//! Broken and malicious files: a clear sentence each, no panic, bounded memory, and what was sound before stays counted.

use std::fmt::Write;

use crate::{gzip, options, read, read_all};

const HEAD: &str = "sku,title,price\n";

/// The file can't be read, and the sentence contains `says`.
fn check_file(name: &str, content: impl AsRef<[u8]>, says: &str) {
    let outcome = read(name, content, options(&["currency=EUR"]));
    let fault = outcome
        .fault()
        .unwrap_or_else(|| panic!("{says}: was read: {:?}", outcome.counts()));
    assert!(fault.contains(says), "{fault:?} does not say {says:?}");
    outcome.counts();
}

/// Between two sound rows stands one that is refused, for this reason in this column; the two are read.
fn check_row(row: &[u8], told: &str) {
    let content = [
        HEAD.as_bytes(),
        b"A1,First,1.50\n",
        row,
        b"\nA2,Second,2.50\n",
    ]
    .concat();
    let outcome = read("rows.csv", content, options(&["currency=EUR"]));
    assert_eq!(outcome.fault(), None, "{}", String::from_utf8_lossy(row));
    assert_eq!(outcome.told(), [told], "{}", String::from_utf8_lossy(row));
    assert_eq!(outcome.counts(), [2, 0, 0, 0, 1, 0]);
}

/// The same in JSON Lines.
fn check_json_row(row: &[u8], told: &str) {
    let sound = |n| format!("{{\"sku\":\"A{n}\",\"title\":\"T\",\"price\":{n}.50}}\n");
    let content = [sound(1).as_bytes(), row, b"\n", sound(2).as_bytes()].concat();
    let outcome = read("rows.jsonl", content, options(&["currency=EUR"]));
    assert_eq!(outcome.fault(), None, "{}", String::from_utf8_lossy(row));
    assert_eq!(outcome.told(), [told], "{}", String::from_utf8_lossy(row));
    assert_eq!(outcome.counts(), [2, 0, 0, 0, 1, 0]);
}

fn rows(count: usize) -> String {
    let mut text = HEAD.to_owned();
    for n in 0..count {
        writeln!(text, "A{n},Title {n},{n}.50").expect("a string takes all");
    }
    text
}

#[test]
fn hostile_empty_files() {
    check_file("a.csv", "", "holds nothing");
    check_file("a.csv", "\u{feff}", "holds nothing");
    check_file("a.json", " \n\n ", "holds nothing");
    check_file("a.csv.gz", gzip(b""), "holds nothing");
}

#[test]
fn hostile_gzip_cut_short() {
    let whole = gzip(rows(5_000).as_bytes());
    for left in [11, whole.len() / 2, whole.len() - 1] {
        check_file("a.csv.gz", &whole[..left], "broken gzip");
    }
}

#[test]
fn hostile_gzip_flipped() {
    let whole = gzip(rows(400).as_bytes());
    for at in (10..whole.len()).step_by(157) {
        let mut flipped = whole.clone();
        flipped[at] ^= 0x10;
        let outcome = read("a.csv.gz", flipped, options(&["currency=EUR"]));
        assert!(outcome.fault().is_some(), "the flip at {at} was not seen");
    }
}

#[test]
fn hostile_gzip_with_a_tail() {
    check_file(
        "a.csv.gz",
        [gzip(rows(3).as_bytes()), b"tail".to_vec()].concat(),
        "broken gzip",
    );
}

#[test]
fn hostile_gzip_in_gzip() {
    check_file(
        "a.csv.gz",
        gzip(&gzip(rows(3).as_bytes())),
        "gzip within gzip",
    );
}

#[test]
fn hostile_zip_bomb() {
    let line = format!("A,{},1\n", "x".repeat(30_000));
    let bomb = gzip((HEAD.to_owned() + &line.repeat(1_300)).as_bytes());
    assert!(bomb.len() < 300_000, "{} bytes are no bomb", bomb.len());
    check_file("bomb.csv.gz", bomb, "grows more than 200 times");
}

#[test]
fn hostile_line_without_end() {
    let long = "x".repeat(3 << 20);
    check_file(
        "a.csv",
        rows(2) + &long,
        "a row of more than 1048576 bytes after row 2",
    );
    check_file("a.csv", long.clone(), "a row of more than");
    check_file(
        "a.jsonl",
        format!("{{\"sku\":\"{long}"),
        "a row of more than",
    );
    check_file(
        "a.json",
        format!("[{{\"sku\":\"{long}"),
        "a row of more than",
    );
    check_file(
        "a.csv.gz",
        gzip((rows(2) + &long).as_bytes()),
        "a row of more than",
    );
}

#[test]
fn hostile_quote_that_swallows_the_file() {
    let content = rows(3) + "A9,\"Half a title,1.50\nA10,Lost,2.50\n";
    let outcome = read("a.csv", content, options(&["currency=EUR"]));
    assert_eq!(outcome.told(), ["5  unclosed-quote"]);
    assert_eq!(outcome.counts(), [3, 0, 0, 0, 1, 0]);
    let content = rows(3) + "A9,Title,\"1.50\n";
    let outcome = read("a.csv", content, options(&["currency=EUR"]));
    assert_eq!(
        outcome.told(),
        ["5  unclosed-quote"],
        "the last column's is seen too"
    );
    check_file(
        "a.csv",
        "\"sku,title,price\n",
        "a quote in the header does not close",
    );
}

#[test]
fn hostile_foreign_files() {
    check_file("a.csv", b"PK\x03\x04rest", "spreadsheet");
    check_file("a.csv", b"\xd0\xcf\x11\xe0rest", "spreadsheet");
    check_file("a.csv", b"%PDF-1.7", "a PDF");
    check_file("a.json", b"\x28\xb5\x2f\xfdrest", "zstd");
    check_file("a.csv", "<html><body>404</body></html>", "XML or HTML");
    check_file("a.csv", b"\xff\xfes\0k\0u\0", "UTF-16");
    check_file("a.csv", b"\x7fELF\0\0\0\0", "zero bytes");
}

#[test]
fn hostile_folder_and_missing_file() {
    let folder = tempfile::tempdir().expect("a folder");
    for path in [folder.path().to_owned(), folder.path().join("none.csv")] {
        let mut import = omni_node::formats::Import::new(options(&[]));
        let report = import.read(&path, &mut |_| {});
        assert!(
            report
                .fault
                .is_some_and(|f| f.to_string().starts_with("can't be opened"))
        );
    }
}

#[test]
fn hostile_nul_and_control_characters() {
    check_row(b"X,a\0b,1.50", "3 title control-character");
    check_row(b"X\x1b[31m,red,1.50", "3 sku control-character");
    check_json_row(
        br#"{"sku":"X","title":"a\u0000b","price":1}"#,
        "2 title control-character",
    );
    check_json_row(
        br#"{"sku":"X","title":"a\u0085\u009bb","price":1}"#,
        "2 title control-character",
    );
}

#[test]
fn hostile_problems_are_safe_to_print() {
    let outcome = read(
        "a.csv",
        format!("{HEAD}X,a\x1b[2J\u{202e}b,1\n"),
        options(&["currency=EUR"]),
    );
    let shown = outcome.problems[0].to_string();
    assert!(shown.contains("a\\u{1b}[2J\\u{202e}b"), "{shown}");
}

#[test]
fn hostile_encodings() {
    check_row(b"X,M\xfcller,1.50", "3 title not-utf8");
    check_row(b"X,\xed\xa0\x80,1.50", "3 title not-utf8");
    check_row(b"X,\xc0\xaf,1.50", "3 title not-utf8");
    check_file(
        "a.csv",
        b"sku,title,gr\xf6sse,price\n",
        "header that is not UTF-8",
    );
    check_json_row(
        b"{\"sku\":\"X\",\"title\":\"\xfc\",\"price\":1}",
        "2  not-utf8",
    );
    check_json_row(
        br#"{"sku":"X","title":"\ud800","price":1}"#,
        "2 title not-utf8",
    );
}

#[test]
fn hostile_ragged_rows() {
    check_row(b"X,only two", "3  ragged");
    check_row(b"X,a,b,1.50", "3  ragged");
    check_row(b"X", "3  ragged");
}

#[test]
fn hostile_many_columns() {
    let wide = "c,".repeat(1_100) + "sku,title,price\n";
    check_file("a.csv", wide, "more than 1024 columns");
    let mut keys = String::from("{\"sku\":\"X\",\"title\":\"T\",\"price\":1");
    for n in 0..1_100 {
        write!(keys, ",\"k{n}\":1").expect("a string takes all");
    }
    check_json_row((keys + "}").as_bytes(), "2  not-an-object");
}

#[test]
fn hostile_columns_twice() {
    check_file(
        "a.csv",
        "sku,title,price,Price\nA,B,1,2\n",
        "two columns for price",
    );
    check_file(
        "a.csv",
        "SKU,sku,title,price\nA,B,C,2\n",
        "two columns for sku",
    );
    check_file(
        "a.jsonl",
        "{\"sku\":\"A\",\"Title\":\"B\",\"title\":\"C\",\"price\":1}\n{}\n",
        "two columns for title",
    );
    check_json_row(
        br#"{"sku":"X","title":"T","price":1,"price":2}"#,
        "2 price key-twice",
    );
}

#[test]
fn hostile_columns_missing() {
    check_file(
        "a.csv",
        "title,price\nA,1\n",
        "no column for sku; its columns are title, price",
    );
    check_file("a.csv", "sku,title\nA,1\n", "no column for price");
    check_file(
        "a.csv",
        "A1,First,1.50\nA2,Second,2.50\n",
        "no column for sku",
    );
}

#[test]
fn hostile_json_bombs() {
    let deep = "[".repeat(200_000);
    check_file("a.json", deep.clone(), "broken JSON");
    check_json_row(format!("{{\"sku\":{deep}").as_bytes(), "2  not-an-object");
    let nested = format!("{}1{}", "[".repeat(50_000), "]".repeat(50_000));
    let row = format!("{{\"sku\":\"X\",\"title\":\"T\",\"price\":{nested}}}");
    check_json_row(row.as_bytes(), "2 price nested");
    let objects = format!("{}1{}", "{\"a\":".repeat(50_000), "}".repeat(50_000));
    let row = format!("{{\"sku\":\"X\",\"title\":{objects},\"price\":1}}");
    check_json_row(row.as_bytes(), "2 title nested");
}

#[test]
fn hostile_json_forms() {
    check_file(
        "a.json",
        "[{\"sku\":\"A\",\"title\":\"T\",\"price\":1}",
        "broken JSON",
    );
    check_file("a.json", "[{\"sku\":\"A\",}]", "broken JSON");
    check_file("a.json", "[] []", "broken JSON");
    check_file("a.json", "{\"products\":{}}", "no list of rows");
    check_file(
        "a.json",
        "{\"a\":[{\"sku\":\"A\",\"title\":\"T\",\"price\":1}],\"b\":[]}",
        "two lists, \"a\" and \"b\"",
    );
    check_json_row(b"[1,2]", "2  not-an-object");
    check_json_row(b"null", "2  not-an-object");
    check_json_row(b"{\"sku\":\"X\"", "2  not-an-object");
    check_json_row(b"{\"sku\":\"X\",\"price\":01}", "2  not-an-object");
    check_json_row(b"{\"sku\":\"X\",\"price\":NaN}", "2  not-an-object");
}

#[test]
fn hostile_prices() {
    check_row(b"X,T,-1.50", "3 price negative");
    check_row(b"X,T,0.00", "3 price zero");
    check_row(b"X,T,99999999999999999999", "3 price too-much");
    check_row(
        b"X,T,9999999999999999999999999999999999999999",
        "3 price not-a-number",
    );
    check_row(b"X,T,0.00000001", "3 price too-fine");
    check_row(b"X,T,1.2.3", "3 price not-a-number");
    check_row(b"X,T,1e5", "3 price not-a-number");
    check_row(b"X,T,0x10", "3 price not-a-number");
    check_row(b"X,T,Infinity", "3 price not-a-number");
    check_row(b"X,T,10-20", "3 price not-a-number");
    check_row(b"X,T,on request", "3 price not-a-number");
    check_row("X,T,１２".as_bytes(), "3 price not-a-number");
    check_row(b"X,T,\"1,234\"", "3 price ambiguous-number");
    check_row(b"X,T,\"1,23,456\"", "3 price not-a-number");
    check_json_row(
        br#"{"sku":"X","title":"T","price":1e400}"#,
        "2 price not-a-number",
    );
    check_json_row(
        br#"{"sku":"X","title":"T","price":1e-400}"#,
        "2 price not-a-number",
    );
    check_json_row(
        br#"{"sku":"X","title":"T","price":-0.01}"#,
        "2 price negative",
    );
    check_json_row(
        br#"{"sku":"X","title":"T","price":{"amount":1}}"#,
        "2 price nested",
    );
    check_json_row(
        br#"{"sku":"X","title":"T","price":true}"#,
        "2 price not-a-number",
    );
}

#[test]
fn hostile_formula_cells() {
    check_row(b"X,\"=HYPERLINK(\"\"http://x\"\")\",1", "3 title formula");
    check_row(b"=1+1,T,1", "3 sku formula");
    check_row(b"X,T,#REF!", "3 price spreadsheet-error");
    check_row(b"4.01235E+12,T,=B2*1.2", "3 price formula");
}

#[test]
fn hostile_long_texts() {
    let sku = format!("{},T,1", "x".repeat(129));
    check_row(sku.as_bytes(), "3 sku too-long");
    let title = format!("X,{},1", "ü".repeat(257));
    check_row(title.as_bytes(), "3 title too-long");
    check_row(b",T,1", "3 sku empty");
    check_row(b"X,\" \",1", "3 title empty");
}

#[test]
fn hostile_files_do_not_spoil_their_neighbours() {
    let good = rows(2);
    let files: [(&str, &[u8]); 3] = [
        ("a.csv", good.as_bytes()),
        ("b.csv", b"PK\x03\x04"),
        ("c.csv", good.as_bytes()),
    ];
    let outcome = read_all(&files, options(&["currency=EUR"]));
    assert_eq!(outcome.counts(), [2, 2, 0, 0, 0, 0]);
    assert_eq!(
        outcome.reports.iter().filter(|r| r.fault.is_some()).count(),
        1
    );
}

#[test]
fn hostile_offers_too_large_as_a_whole() {
    let mut options = options(&["currency=EUR"]);
    options.attributes = omni_node::formats::options::Attributes::All;
    let names: Vec<String> = (0..64).map(|n| format!("c{n}")).collect();
    let row = vec!["x".repeat(250); 64].join(",");
    let outcome = read(
        "a.csv",
        format!("sku,title,price,{}\nA,T,1,{row}\n", names.join(",")),
        options,
    );
    assert_eq!(outcome.told(), ["2  not-an-offer"]);
}
