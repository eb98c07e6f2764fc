//! Partners as people name them: by id, by the beginning of an id, or by the name in a Profile.

use omni_protocol::hash::{PartnerId, SubjectId};
use omni_protocol::machine::Key;
use omni_protocol::public::{Profile, PublicBody};
use omni_protocol::record::Signed;
use omni_protocol::slot::{Family, Slot};

use super::{ApiCode, Problem, Reading};
use crate::store::contact::Contact;

/// Longest text that may name a partner: a name of a Profile in quotes.
const NAME_BYTES_MAX: usize = 256;

/// The partner's own Profile, if it is known here.
///
/// # Errors
/// `store` if the disk fails.
pub fn profile(reading: &Reading, partner: PartnerId) -> Result<Option<Profile>, Problem> {
    let slot = Slot {
        author: partner,
        family: Family::Profile,
        subject: SubjectId::ONLY,
    };
    let Some(shelved) = reading.market.shelved(&slot)? else {
        return Ok(None);
    };
    let record = Signed::<PublicBody>::read(&reading.network, shelved.record).ok();
    Ok(record.and_then(|record| match record.body() {
        PublicBody::Profile(profile) => Some((**profile).clone()),
        PublicBody::KeyEvent(_)
        | PublicBody::CatalogueHead(_)
        | PublicBody::Offer(_)
        | PublicBody::Availability(_)
        | PublicBody::Withdrawal(_)
        | PublicBody::Evidence(_) => None,
    }))
}

/// The partner's name, if its Profile is known here.
///
/// # Errors
/// `store` if the disk fails.
pub fn name(reading: &Reading, partner: PartnerId) -> Result<Option<String>, Problem> {
    let profile = profile(reading, partner)?;
    Ok(profile.map(|profile| profile.name.as_str().to_owned()))
}

/// All partners that were granted something or met, in the order of their ids.
///
/// # Errors
/// `store` if the disk fails.
pub fn known(reading: &Reading) -> Result<Vec<PartnerId>, Problem> {
    let first = Key::Grant {
        partner: PartnerId::from_bytes([0; 32]),
    };
    let granted = reading.after(first).filter_map(|(key, _)| {
        if let Key::Grant { partner } = key {
            Some(partner)
        } else {
            None
        }
    });
    let mut all: Vec<_> = granted.collect();
    let contacts = Contact::all(&reading.ledger)?.into_iter();
    all.extend(contacts.filter_map(|contact| contact.partner));
    all.sort_unstable();
    all.dedup();
    Ok(all)
}

/// The partner that a person names, if one is named.
///
/// # Errors
/// As [`find`].
pub fn named(reading: &Reading, text: Option<&str>) -> Result<Option<PartnerId>, Problem> {
    text.map(|text| find(reading, text)).transpose()
}

/// The partner that a person means.
///
/// # Errors
/// `not-found` if nobody is called so, `conflict` if several are; `store` if the disk fails.
pub fn find(reading: &Reading, text: &str) -> Result<PartnerId, Problem> {
    if let Ok(partner) = text.parse() {
        return Ok(partner);
    }
    let mut found = Vec::new();
    if !text.is_empty() && text.len() <= NAME_BYTES_MAX {
        for partner in known(reading)? {
            let is_meant = partner.to_string().starts_with(text)
                || name(reading, partner)?.is_some_and(|name| name.eq_ignore_ascii_case(text));
            if is_meant {
                found.push(partner);
            }
        }
    }
    match found.as_slice() {
        [partner] => Ok(*partner),
        [] => {
            let detail = format!("No partner has the id or name \"{text}\" here.");
            Err(Problem::new(ApiCode::NotFound, detail).next("see all: omni peer ls"))
        }
        [_, _, ..] => {
            let detail = format!("{} partners are called \"{text}\".", found.len());
            let next = "name one by its id: omni peer ls";
            Err(Problem::new(ApiCode::Conflict, detail).next(next))
        }
    }
}
