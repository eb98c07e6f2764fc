//! How much a test does: a share when every change is checked, more when a variable says so. What
//! it does with it is kept out.

/// The number that the variable holds, or the share.
#[must_use]
pub fn number_from(variable: &str, share: u64) -> u64 {
    let text = std::env::var(variable).ok();
    text.and_then(|text| text.parse().ok()).unwrap_or(share)
}
