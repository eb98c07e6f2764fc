//! The bodies of records, written field by field from section 8 of SPEC.md.

use omni_protocol::{
    body::AnyBody,
    bundle::{BundleBody, Manifest},
    identity::{KeyEvent, SignedDelegation},
    proof::Proof,
    public::{
        Availability, CatalogueHead, Evidence, Offer, OfferDraft, Profile, PublicBody, Withdrawal,
    },
    thread::{
        Commit, Event, Handover, Header, Hold, HoldTerms, LegName, Line, Proposal, Receipt,
        Refusal, Request, Shipto, Terms, ThreadBody,
    },
    trade::{Lead, Right},
};

use super::Naive;

/// The body of a record, without the record around it.
pub fn body(body: &AnyBody) -> Vec<u8> {
    let naive = Naive::new();
    match body {
        AnyBody::Public(body) => public(naive, body),
        AnyBody::Thread(body) => thread(naive, body),
        AnyBody::Bundle(body) => bundle(naive, body),
    }
    .0
}

fn public(naive: Naive, body: &PublicBody) -> Naive {
    match body {
        PublicBody::KeyEvent(body) => key_event(naive, body),
        PublicBody::Profile(body) => profile(naive, body),
        PublicBody::CatalogueHead(body) => catalogue_head(naive, body),
        PublicBody::Offer(body) => offer(naive, body),
        PublicBody::Availability(body) => availability(naive, body),
        PublicBody::Withdrawal(body) => withdrawal(naive, body),
        PublicBody::Evidence(body) => evidence(naive, body),
    }
}

fn thread(naive: Naive, body: &ThreadBody) -> Naive {
    match body {
        ThreadBody::Inquiry(body) => header(naive, &body.header).text(&body.text),
        ThreadBody::Question(body) => header(naive, &body.header).text(&body.text),
        ThreadBody::Answer(body) => header(naive, &body.header).text(&body.text),
        ThreadBody::Proposal(body) => proposal(naive, body),
        ThreadBody::Reject(body) => header(naive, &body.header).unsigned(body.code.number().into()),
        ThreadBody::Withdraw(body) => header(naive, &body.header),
        ThreadBody::Request(body) => request(naive, body),
        ThreadBody::Hold(body) => hold(naive, body),
        ThreadBody::Commit(body) => commit(naive, body),
        ThreadBody::Receipt(body) => receipt(naive, body),
        ThreadBody::Refusal(body) => refusal(naive, body),
        ThreadBody::Release(body) => header(naive, &body.header).fixed(body.deal.as_bytes()),
        ThreadBody::Ack(body) => header(naive, &body.header)
            .fixed(body.receipt.as_bytes())
            .bytes(&body.cosignature),
        ThreadBody::Event(body) => event(naive, body),
        ThreadBody::Handover(body) => handover(naive, body),
        ThreadBody::Bundle(body) => bundle(naive, body),
    }
}

fn bundle(naive: Naive, body: &BundleBody) -> Naive {
    match body {
        BundleBody::ArmReceipt(body) => leg_name(
            header(naive, &body.header).fixed(body.deal.as_bytes()),
            body.leg,
        ),
        BundleBody::Lapse(body) => leg_name(
            header(naive, &body.header).fixed(body.deal.as_bytes()),
            body.leg,
        ),
        BundleBody::Manifest(body) => manifest(naive, body),
    }
}

fn leg_name(naive: Naive, leg: LegName) -> Naive {
    naive
        .fixed(leg.manifest.as_bytes())
        .unsigned(leg.number.into())
}

fn manifest(naive: Naive, manifest: &Manifest) -> Naive {
    header(naive, manifest.header())
        .option(manifest.whole(), leg_name)
        .list(manifest.members(), |naive, member| {
            naive
                .fixed(member.partner.as_bytes())
                .list(&*member.keys, super::frames::proved)
                .list(&*member.addresses, |naive, address| naive.text(address))
                .list(&*member.mailboxes, |naive, partner| {
                    naive.fixed(partner.as_bytes())
                })
        })
        .list(manifest.legs(), |naive, leg| {
            naive
                .unsigned(leg.member.into())
                .fixed(leg.deal.as_bytes())
                .fixed(leg.hold.as_bytes())
                .u8(leg.alternative)
        })
        .option(manifest.last(), |naive, number| {
            naive.unsigned(number.into())
        })
}

fn key_event(naive: Naive, event: &KeyEvent) -> Naive {
    match event {
        KeyEvent::Inception(event) => naive
            .unsigned(1)
            .fixed(event.network.as_bytes())
            .unsigned(1)
            .unsigned(1)
            .fixed(event.market_key.as_bytes())
            .fixed(event.next.as_bytes())
            .fixed(event.recovery.as_bytes()),
        KeyEvent::Rotation(event) => naive
            .unsigned(2)
            .unsigned(event.index.into())
            .fixed(event.previous.as_bytes())
            .fixed(event.market_key.as_bytes())
            .fixed(event.next.as_bytes()),
        KeyEvent::Recovery(event) => naive
            .unsigned(3)
            .unsigned(event.index.into())
            .fixed(event.previous.as_bytes())
            .fixed(event.recovery_key.as_bytes())
            .fixed(event.market_key.as_bytes())
            .fixed(event.next.as_bytes())
            .fixed(event.recovery.as_bytes()),
    }
}

fn profile(naive: Naive, profile: &Profile) -> Naive {
    naive
        .unsigned(profile.revision.get())
        .text(&profile.name)
        .option(profile.country.as_ref(), |naive, country| {
            naive.text(country.as_str())
        })
        .text(&profile.about)
        .text(&profile.website)
        .set(&*profile.roles, |naive, role| {
            naive.unsigned((*role).into())
        })
        .list(&*profile.languages, |naive, language| naive.text(language))
        .list(&*profile.addresses, |naive, address| naive.text(address))
        .list(&*profile.delegations, delegation)
        .list(&*profile.mailboxes, |naive, partner| {
            naive.fixed(partner.as_bytes())
        })
}

/// The signature's bytes are not shown by the type, so they are taken from the end of what the
/// protocol wrote; all else is written here.
pub(super) fn delegation(naive: Naive, signed: &SignedDelegation) -> Naive {
    let written = omni_protocol::fence::to_bytes(signed);
    let claimed = signed.claimed();
    naive
        .unsigned(claimed.role().number().into())
        .fixed(claimed.key())
        .unsigned(claimed.key_index().into())
        .unsigned(claimed.not_before().ms())
        .unsigned(claimed.not_after().ms())
        .fixed(&written[written.len() - 64..])
}

fn catalogue_head(naive: Naive, head: &CatalogueHead) -> Naive {
    naive
        .unsigned(head.revision.get())
        .unsigned(head.count.into())
        .fixed(head.fingerprint.as_bytes())
        .unsigned(head.highest.get())
}

fn offer(naive: Naive, offer: &Offer) -> Naive {
    let naive = naive.unsigned(offer.revision().get());
    fulfilment(priced(described(naive, offer), offer), offer)
}

fn described(naive: Naive, offer: &OfferDraft) -> Naive {
    naive
        .text(&offer.sku)
        .text(&offer.list)
        .set(&*offer.audience, |naive, partner| {
            naive.fixed(partner.as_bytes())
        })
        .unsigned(offer.nature.number().into())
        .text(&offer.title)
        .text(&offer.description)
        .text(&offer.language)
        .text(&offer.brand)
        .option(offer.gtin, |naive, gtin| naive.unsigned(gtin.get()))
        .text(&offer.mpn)
        .option(offer.category.as_ref(), |naive, category| {
            naive.text(&category.scheme).text(&category.code)
        })
        .list(&*offer.attributes, |naive, attribute| {
            naive.text(&attribute.name).text(&attribute.value)
        })
        .text(&offer.group)
        .list(&*offer.media, |naive, media| {
            naive
                .unsigned(media.role.number().into())
                .text(&media.location)
                .text(&media.media_type)
                .unsigned(media.size)
                .option(media.sha256, |naive, hash| naive.fixed(&hash))
        })
}

fn priced(naive: Naive, offer: &OfferDraft) -> Naive {
    naive
        .signed(offer.price.minor().get())
        .unsigned(offer.price.per().get())
        .fixed(offer.currency.as_str().as_bytes())
        .list(&*offer.tiers, |naive, tier| {
            naive.unsigned(tier.from.get()).signed(tier.minor.get())
        })
        .option(offer.suggested, |naive, minor| naive.signed(minor.get()))
        .option(offer.commission, |naive, share| {
            naive.unsigned(share.get().into())
        })
        .text(&offer.tax)
        .text(offer.unit.code())
        .u8(offer.unit.scale())
        .unsigned(offer.increment.get())
        .unsigned(offer.minimum.get())
        .unsigned(offer.maximum.get())
}

fn fulfilment(naive: Naive, offer: &OfferDraft) -> Naive {
    let naive = naive
        .set(&*offer.methods, |naive, method| {
            naive.unsigned(method.number().into())
        })
        .set(&*offer.regions, |naive, region| naive.text(region.as_str()));
    lead(naive, offer.lead)
        .text(&offer.incoterm)
        .option(offer.service.as_ref(), |naive, service| {
            naive.unsigned(service.duration_minutes.into()).option(
                service.calendar.as_ref(),
                |naive, calendar| {
                    naive
                        .text(&calendar.rule)
                        .text(&calendar.start)
                        .text(&calendar.zone)
                        .unsigned(calendar.capacity.into())
                },
            )
        })
        .option(offer.recurring, |naive, recurring| {
            naive
                .unsigned(recurring.period.number().into())
                .unsigned(recurring.cycles.into())
                .unsigned(recurring.notice_days.into())
                .bool(recurring.pause)
        })
        .list(&*offer.rights, right)
        .bool(offer.white_label)
        .unsigned(offer.hold_minutes.into())
        .unsigned(offer.valid_until.ms())
}

fn lead(naive: Naive, lead: Lead) -> Naive {
    naive
        .unsigned(lead.from_hours().into())
        .unsigned(lead.to_hours().into())
}

fn right(naive: Naive, right: &Right) -> Naive {
    naive
        .unsigned(right.state.number().into())
        .unsigned(right.to.number().into())
        .unsigned(right.within_hours.into())
        .unsigned(right.fee.get().into())
}

fn availability(naive: Naive, availability: &Availability) -> Naive {
    let naive = naive
        .unsigned(availability.revision.get())
        .fixed(availability.subject.as_bytes())
        .unsigned(availability.band.number().into());
    lead(naive, availability.lead).unsigned(availability.valid_until.ms())
}

fn withdrawal(naive: Naive, withdrawal: &Withdrawal) -> Naive {
    naive
        .unsigned(withdrawal.revision.get())
        .unsigned(withdrawal.family().number().into())
        .fixed(withdrawal.subject().as_bytes())
        .unsigned(withdrawal.reason.number().into())
}

fn evidence(naive: Naive, evidence: &Evidence) -> Naive {
    naive
        .fixed(evidence.accused.as_bytes())
        .unsigned(evidence.claim.number().into())
        .list(&*evidence.exhibits, |naive, exhibit| {
            naive
                .unsigned(exhibit.form.number().into())
                .bytes(&exhibit.bytes)
                .option(exhibit.proof.as_ref(), proof)
        })
}

pub(super) fn proof(naive: Naive, proof: &Proof) -> Naive {
    naive
        .unsigned(proof.key_index.into())
        .unsigned(proof.tree_size.into())
        .unsigned(proof.leaf_index.into())
        .list(&*proof.path, |naive, node| naive.fixed(node))
        .fixed(proof.signature.as_bytes())
}

/// The header with which the body of a thread begins.
pub fn header(naive: Naive, header: &Header) -> Naive {
    naive
        .fixed(&header.salt)
        .fixed(header.to.as_bytes())
        .unsigned(header.life.get())
        .unsigned(header.epoch.into())
        .unsigned(header.sequence)
        .unsigned(header.at.ms())
        .option(header.thread, |naive, thread| {
            naive.fixed(thread.as_bytes())
        })
        .option(header.parent, |naive, parent| {
            naive.fixed(parent.as_bytes())
        })
}

/// Terms alone, as they are hashed.
pub fn terms(naive: Naive, terms: &Terms) -> Naive {
    let conditions = terms.conditions();
    naive
        .list(terms.lines(), line)
        .fixed(terms.currency().as_str().as_bytes())
        .signed(terms.total().get())
        .unsigned(conditions.method.number().into())
        .text(
            conditions
                .region
                .0
                .as_ref()
                .map_or("", |region| region.as_str()),
        )
        .text(&conditions.postcode)
        .option(conditions.window, |naive, window| {
            naive
                .unsigned(window.from().ms())
                .unsigned(window.until().ms())
        })
        .text(&conditions.incoterm)
        .unsigned(conditions.payment_days.into())
        .list(&*conditions.rights, right)
        .bool(conditions.white_label)
        .bool(conditions.for_chain)
        .option(conditions.arbiter, |naive, partner| {
            naive.fixed(partner.as_bytes())
        })
        .text(&conditions.note)
        .option(conditions.on, |naive, change| {
            naive
                .fixed(change.order.as_bytes())
                .unsigned(change.version.into())
                .unsigned(change.what.number().into())
        })
}

fn line(naive: Naive, line: &Line) -> Naive {
    let item = line.item();
    naive
        .text(&item.sku)
        .text(&item.list)
        .option(item.offer, |naive, offer| naive.fixed(offer.as_bytes()))
        .text(&item.title)
        .unsigned(item.nature.number().into())
        .text(item.unit.code())
        .u8(item.unit.scale())
        .unsigned(item.steps.get())
        .signed(item.price.minor().get())
        .unsigned(item.price.per().get())
        .signed(line.total().get())
}

fn hold_terms(naive: Naive, hold: &HoldTerms) -> Naive {
    naive
        .unsigned(hold.until.ms())
        .option(hold.passed_on, |naive, passed_on| {
            naive.fixed(passed_on.as_bytes())
        })
        .unsigned(hold.patience_ms)
        .unsigned(hold.co_legs.number().into())
        .bool(hold.arm_last)
}

fn proposal(naive: Naive, proposal: &Proposal) -> Naive {
    header(naive, proposal.header())
        .unsigned(proposal.role().number().into())
        .bool(proposal.is_firm())
        .unsigned(proposal.valid_until().ms())
        .list(proposal.alternatives(), terms)
        .option(proposal.hold(), hold_terms)
}

fn request(naive: Naive, request: &Request) -> Naive {
    let naive = header(naive, &request.header)
        .option(request.proposal, |naive, choice| {
            naive
                .fixed(choice.proposal.as_bytes())
                .u8(choice.alternative)
        })
        .unsigned(request.valid_until.ms());
    terms(naive, &request.terms).option(request.chain, |naive, chain| {
        naive.fixed(chain.id.as_bytes()).u8(chain.depth)
    })
}

fn hold(naive: Naive, hold: &Hold) -> Naive {
    let naive = header(naive, &hold.header)
        .fixed(hold.deal.as_bytes())
        .fixed(hold.terms.as_bytes());
    hold_terms(naive, &hold.hold)
}

fn commit(naive: Naive, commit: &Commit) -> Naive {
    header(naive, &commit.header)
        .fixed(commit.deal.as_bytes())
        .fixed(commit.hold.as_bytes())
        .u8(commit.alternative)
        .u8(0)
}

fn receipt(naive: Naive, receipt: &Receipt) -> Naive {
    header(naive, &receipt.header)
        .fixed(receipt.deal.as_bytes())
        .fixed(receipt.commit.as_bytes())
        .u8(receipt.alternative)
}

fn refusal(naive: Naive, refusal: &Refusal) -> Naive {
    header(naive, &refusal.header)
        .fixed(refusal.deal.as_bytes())
        .unsigned(refusal.code.number().into())
        .unsigned(refusal.fault.number().into())
        .option(refusal.leg, leg_name)
}

fn event(naive: Naive, event: &Event) -> Naive {
    header(naive, &event.header)
        .fixed(event.deal.as_bytes())
        .unsigned(event.version.into())
        .unsigned(event.what.number().into())
        .unsigned(event.occurred.ms())
        .list(&*event.lines, |naive, line| {
            naive.unsigned(line.line.into()).unsigned(line.steps.get())
        })
        .text(&event.reference)
        .text(&event.note)
}

fn handover(naive: Naive, handover: &Handover) -> Naive {
    header(naive, &handover.header)
        .fixed(handover.deal.as_bytes())
        .fixed(&handover.sealing_key)
        .fixed(&handover.encapsulated)
        .bytes(&handover.sealed)
}

/// The clear text of a hand-over, filled to the one length.
pub fn shipto(shipto: &Shipto) -> Vec<u8> {
    let plain = Naive::new()
        .text(&shipto.name)
        .list(&*shipto.lines, |naive, line| naive.text(line))
        .text(&shipto.city)
        .text(&shipto.postcode)
        .text(
            shipto
                .region
                .0
                .as_ref()
                .map_or("", |region| region.as_str()),
        )
        .text(&shipto.country)
        .text(&shipto.phone)
        .text(&shipto.email)
        .text(&shipto.note)
        .0;
    let mut bytes = vec![plain.len() as u8, (plain.len() >> 8) as u8];
    bytes.extend(plain);
    bytes.extend(vec![0; 1536 - bytes.len()]);
    bytes
}
