//! Addresses of the local API put together from what a user typed. What stands there is kept out.

/// A text as one part of a path, or as a value behind the `?` (RFC 3986, unreserved characters).
#[must_use]
pub(super) fn segment(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// A path with its parameters, those left out that have no value.
#[must_use]
pub(super) fn with_query(path: &str, params: &[(&str, Option<&str>)]) -> String {
    let given = params
        .iter()
        .filter_map(|(name, value)| Some(format!("{name}={}", segment((*value)?))));
    let given: Vec<_> = given.collect();
    if given.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{}", given.join("&"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_texts_stay_one_part() {
        let check = |text: &str, expected: &str| assert_eq!(segment(text), expected);
        check("CR-HTR.1_2~", "CR-HTR.1_2~");
        check("a/../b?c#d&e=f%", "a%2F..%2Fb%3Fc%23d%26e%3Df%25");
        check("ü \r\n", "%C3%BC%20%0D%0A");
        let query = with_query(
            "/v1/x",
            &[("a", Some("1&b=2")), ("c", None), ("d", Some(""))],
        );
        assert_eq!(query, "/v1/x?a=1%26b%3D2&d=");
        assert_eq!(with_query("/v1/x", &[("c", None)]), "/v1/x");
    }
}
