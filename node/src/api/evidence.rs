//! The route about partners that contradicted themselves: what they signed, as it is kept. Whether
//! it contradicts itself was the core's matter.

use axum::extract::{Path, State};
use axum::routing::get;
use axum::{Json, Router};
use omni_protocol::hash::{DealId, RecordId};
use omni_protocol::machine::{Key, View, evidence_against};
use omni_protocol::public::{Evidence, Exhibit, ExhibitForm, PublicBody};
use omni_protocol::record::{Envelope, Signed};
use omni_protocol::thread::ThreadBody;

use super::{Desk, Problem, Reading, partner};
use crate::view::peer::{EvidenceView, EvidencesView, ExhibitView};

/// The routes of this noun.
pub(super) fn routes() -> Router<Desk> {
    Router::new().route("/v1/peers/{partner}/evidence", get(list))
}

async fn list(
    State(desk): State<Desk>,
    Path(who): Path<String>,
) -> Result<Json<EvidencesView>, Problem> {
    desk.read(move |reading| {
        let accused = partner::find(reading, &who)?;
        let kept = evidence_against(reading, accused).into_iter();
        let evidence = kept.filter_map(|(record, at)| {
            let evidence = evidence(reading, record)?;
            Some(EvidenceView {
                evidence: record.to_string(),
                at_ms: at.ms(),
                claim: evidence.claim.name().to_owned(),
                exhibits: evidence
                    .exhibits
                    .iter()
                    .map(|exhibit| told(reading, exhibit))
                    .collect(),
            })
        });
        Ok(Json(EvidencesView {
            partner: accused.to_string(),
            evidence: evidence.collect(),
        }))
    })
    .await
}

fn evidence(reading: &Reading, id: RecordId) -> Option<Evidence> {
    let bytes = reading.read(&Key::Record { id })?;
    let record = Signed::<PublicBody>::read(&reading.network, bytes).ok()?;
    match record.body() {
        PublicBody::Evidence(evidence) => Some(evidence.clone()),
        PublicBody::KeyEvent(_)
        | PublicBody::Profile(_)
        | PublicBody::CatalogueHead(_)
        | PublicBody::Offer(_)
        | PublicBody::Availability(_)
        | PublicBody::Withdrawal(_) => None,
    }
}

fn told(reading: &Reading, exhibit: &Exhibit) -> ExhibitView {
    let is_record = exhibit.form == ExhibitForm::Record;
    let envelope = || Envelope::read(&reading.network, &*exhibit.bytes).ok();
    let envelope = is_record.then(envelope).flatten();
    let is_note = exhibit.form == ExhibitForm::Checkpoint;
    let note = || String::from_utf8(exhibit.bytes.to_vec()).ok();
    ExhibitView {
        form: exhibit.form.name().to_owned(),
        kind: envelope
            .as_ref()
            .and_then(|envelope| Some(envelope.kind()?.name().to_owned())),
        record: envelope.as_ref().map(|envelope| envelope.id().to_string()),
        deal: envelope.and_then(|envelope| Some(deal(envelope)?.to_string())),
        note: is_note.then(note).flatten(),
    }
}

/// The deal that a decision, Release or Commit names.
fn deal(envelope: Envelope) -> Option<DealId> {
    match envelope.open::<ThreadBody>().ok()?.body() {
        ThreadBody::Commit(commit) => Some(commit.deal),
        ThreadBody::Receipt(receipt) => Some(receipt.deal),
        ThreadBody::Refusal(refusal) => Some(refusal.deal),
        ThreadBody::Release(release) => Some(release.deal),
        ThreadBody::Inquiry(_)
        | ThreadBody::Proposal(_)
        | ThreadBody::Question(_)
        | ThreadBody::Answer(_)
        | ThreadBody::Reject(_)
        | ThreadBody::Withdraw(_)
        | ThreadBody::Request(_)
        | ThreadBody::Hold(_)
        | ThreadBody::Ack(_)
        | ThreadBody::Event(_)
        | ThreadBody::Handover(_)
        | ThreadBody::Bundle(_) => None,
    }
}
