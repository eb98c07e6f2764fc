//! What addresses say beside the noun: names in the path, and parameters behind the `?`. What can't
//! be read is refused as every refusal of this API is.

use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::api::{ApiCode, Problem};

/// What stands behind the `?` of an address, or why it can't be read.
pub(in crate::api) type Params = Result<Query<Vec<(String, String)>>, QueryRejection>;

/// The one name in the path of an address, with its percent signs resolved.
pub(in crate::api) struct Name(pub(in crate::api) String);

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let name = Path::<String>::from_request_parts(parts, state).await;
        name.map(|Path(name)| Self(name)).map_err(|e| {
            let detail = format!("The name in the address can't be read: {}.", e.body_text());
            Problem::new(ApiCode::Malformed, detail)
        })
    }
}

/// The parameters as a route wants them. A name that it does not know is refused: a filter that
/// is silently ignored shows too much.
pub(in crate::api) fn params<T: DeserializeOwned>(given: Params) -> Result<T, Problem> {
    let refused = |why: &dyn std::fmt::Display| {
        let detail = format!("The part of the address behind the ? can't be read: {why}.");
        Problem::new(ApiCode::Malformed, detail)
    };
    let Query(pairs) = given.map_err(|e| refused(&e.body_text()))?;
    let mut seen = std::collections::BTreeMap::new();
    for (name, value) in pairs {
        if seen.insert(name.clone(), value).is_some() {
            return Err(refused(&format_args!("{name} stands twice")));
        }
    }
    let object = seen
        .into_iter()
        .map(|(name, value)| (name, serde_json::Value::String(value)));
    serde_json::from_value(serde_json::Value::Object(object.collect())).map_err(|e| refused(&e))
}

/// A parameter that is one of a few words. Another one is refused: it fits nothing, and an empty list
/// would say that there is nothing.
///
/// # Errors
/// `invalid`, with the words.
pub(in crate::api) fn word<'a>(
    name: &str,
    given: Option<&'a str>,
    words: &[&str],
) -> Result<Option<&'a str>, Problem> {
    if given.is_some_and(|given| !words.contains(&given)) {
        let detail = format!("{name} is one of: {}.", words.join(", "));
        return Err(Problem::new(ApiCode::Invalid, detail));
    }
    Ok(given)
}
