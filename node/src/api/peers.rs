//! The routes about other partners: invites, requests, and what each may do. How a node is dialled
//! is the net's matter, what a grant means the core's.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use omni_protocol::hash::PartnerId;
use omni_protocol::machine::{Grant, GrantTerms, Input, Key, Standing, View};
use omni_protocol::value::{Minor, Money};

use super::{ApiCode, Call, Desk, NetNow, Problem, Reading, done, invites, json, partner};
use crate::store::contact::{Contact, Origin};
use crate::view::money;
use crate::view::peer::{
    AmountAsk, InviteAsk, InviteView, NodeView, PeerAddedView, PeerAsk, PeerChange, PeerView,
    PeersView, RefusedView,
};

/// The routes of this noun.
pub fn routes() -> Router<Desk> {
    Router::new()
        .route("/v1/invites", post(invite))
        .route("/v1/peers", get(list).post(add))
        .route("/v1/peers/requests", get(requests))
        .route("/v1/peers/{partner}", get(show).patch(change))
}

async fn invite(State(desk): State<Desk>, body: Bytes) -> Result<Json<InviteView>, Problem> {
    let ask: InviteAsk = if body.is_empty() {
        InviteAsk::default()
    } else {
        json(&body)?
    };
    let net = desk.ask(Call::Net).await?;
    let now = desk.read(|reading| Ok(reading.now())).await?;
    let (grant, view) = invites::make(desk.about(), &net, &ask, now)?;
    desk.made(Input::Grant(grant)).await?;
    Ok(Json(view))
}

async fn add(State(desk): State<Desk>, body: Bytes) -> Result<Json<PeerAddedView>, Problem> {
    let ask: PeerAsk = json(&body)?;
    let (now, own) = desk
        .read(|reading| Ok((reading.now(), reading.partner)))
        .await?;
    let (invitation, view) = invites::read(desk.about(), own, &ask, now)?;
    let invitation = Box::new(invitation);
    // Who takes an invite wants its giver as a partner; it is one when it has proved at the meeting
    // that the invite is its own.
    let met = |reply| Call::Meet { invitation, reply };
    done(desk.ask(met).await?)?;
    Ok(Json(view))
}

async fn list(State(desk): State<Desk>) -> Result<Json<PeersView>, Problem> {
    views(&desk, |_| true).await
}

async fn requests(State(desk): State<Desk>) -> Result<Json<PeersView>, Problem> {
    views(&desk, |peer| peer.request).await
}

async fn views(
    desk: &Desk,
    wanted: impl Fn(&PeerView) -> bool + Send + 'static,
) -> Result<Json<PeersView>, Problem> {
    let net = desk.ask(Call::Net).await?;
    let read = move |reading: &Reading| {
        let contacts = Contact::all(&reading.ledger)?;
        let mut peers = Vec::new();
        for partner in partner::known(reading)? {
            let peer = view(reading, partner, &contacts, &net)?;
            if wanted(&peer) {
                peers.push(peer);
            }
        }
        let unmet = contacts.iter().filter(|contact| contact.partner.is_none());
        let unmet = unmet.map(|contact| unmet_view(contact, &net));
        peers.extend(unmet.filter(&wanted));
        Ok(Json(PeersView { peers }))
    };
    desk.read(read).await
}

async fn show(
    State(desk): State<Desk>,
    Path(who): Path<String>,
) -> Result<Json<PeerView>, Problem> {
    let net = desk.ask(Call::Net).await?;
    desk.read(move |reading| {
        let partner = partner::find(reading, &who)?;
        let contacts = Contact::all(&reading.ledger)?;
        view(reading, partner, &contacts, &net).map(Json)
    })
    .await
}

async fn change(
    State(desk): State<Desk>,
    Path(who): Path<String>,
    body: Bytes,
) -> Result<Json<PeerView>, Problem> {
    let change: PeerChange = json(&body)?;
    let partner = desk
        .read(move |reading| {
            let partner = partner::find(reading, &who)?;
            if partner == reading.partner {
                let detail = "This is the node's own partner; grants are for others.";
                return Err(Problem::new(ApiCode::Invalid, detail));
            }
            Ok(partner)
        })
        .await?;
    // All are read before the first is granted, so that a mistyped amount changes nothing.
    for grant in grants(partner, &change)? {
        desk.made(Input::Grant(grant)).await?;
    }
    show(State(desk), Path(partner.to_string())).await
}

/// What a change asks the core to grant.
fn grants(partner: PartnerId, change: &PeerChange) -> Result<Vec<Grant>, Problem> {
    let mut grants = Vec::new();
    if let Some(word) = &change.standing {
        let standing = Standing::from_name(word).filter(|s| *s != Standing::Quarantined);
        let standing = standing.ok_or_else(|| {
            let detail =
                format!("{word:?} is no standing; say onlooker, stranger, partner or blocked.");
            Problem::new(ApiCode::Invalid, detail)
        })?;
        grants.push(Grant::Standing { partner, standing });
    }
    if let Some(credit) = &change.credit {
        let limit = limit(credit)?;
        grants.push(Grant::Credit { partner, limit });
    }
    if let Some(budget) = &change.budget {
        let limit = limit(budget)?;
        grants.push(Grant::Budget { partner, limit });
    }
    Ok(grants)
}

fn limit(ask: &AmountAsk) -> Result<Money, Problem> {
    money::parse_amount(&ask.amount, &ask.currency)
        .map_err(|error| Problem::new(ApiCode::Invalid, format!("{error}.")))
}

fn view(
    reading: &Reading,
    partner: PartnerId,
    contacts: &[Contact],
    net: &NetNow,
) -> Result<PeerView, Problem> {
    let terms = GrantTerms::read(reading, partner);
    let is_granted = View::read(reading, &Key::Grant { partner }).is_some();
    let profile = partner::profile(reading, partner)?;
    let of_partner = || contacts.iter().filter(|c| c.partner == Some(partner));
    let came = of_partner().any(|contact| contact.origin == Origin::Came);
    let amounts = |limits: &[Money]| limits.iter().map(money::amount).collect();
    Ok(PeerView {
        partner: partner.to_string(),
        name: profile.as_ref().map(|p| p.name.as_str().to_owned()),
        country: profile
            .as_ref()
            .and_then(|p| Some(p.country.as_ref()?.to_string())),
        standing: terms.standing.name().to_owned(),
        trust: trust(&terms).to_owned(),
        connected: net.partners.contains(&partner),
        request: came && !is_granted,
        credit: amounts(&terms.credit),
        budget: amounts(&terms.budget),
        records: reading.market.catalogue(partner)?.ids.count(),
        nodes: of_partner().map(|node| node_view(node, net)).collect(),
    })
}

fn unmet_view(contact: &Contact, net: &NetNow) -> PeerView {
    PeerView {
        partner: String::new(),
        name: None,
        country: None,
        standing: Standing::Stranger.name().to_owned(),
        trust: trust(&GrantTerms::default()).to_owned(),
        connected: false,
        request: false,
        credit: Vec::new(),
        budget: Vec::new(),
        records: 0,
        nodes: vec![node_view(contact, net)],
    }
}

fn node_view(contact: &Contact, net: &NetNow) -> NodeView {
    let peer = invites::peer_text(&contact.transport_key);
    let refusal = net.refusals.iter().find(|refusal| refusal.peer == peer);
    NodeView {
        refused: refusal.map(|refusal| RefusedView {
            by: refusal.by.name().to_owned(),
            code: refusal.code.name().to_owned(),
        }),
        peer,
        addresses: contact
            .addresses
            .iter()
            .map(|address| address.as_str().to_owned())
            .collect(),
        met_ms: contact.met.map(|met| met.ms()),
        agent: contact.agent.as_str().to_owned(),
    }
}

/// The operator's word for what a partner may do.
fn trust(terms: &GrantTerms) -> &'static str {
    let may_owe = terms.credit.iter().any(|limit| limit.minor > Minor::ZERO);
    match terms.standing {
        Standing::Blocked | Standing::Quarantined => "none",
        Standing::Onlooker => "see",
        Standing::Stranger => "ask",
        Standing::Partner if may_owe => "owe",
        Standing::Partner => "hold",
    }
}
