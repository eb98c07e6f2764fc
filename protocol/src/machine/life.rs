//! Lives and greetings (SPEC.md sections 10 and 15): which life is present, which partner greeted
//! it, and between which lives letters count. It keeps out sessions and their bytes.

use alloc::vec::Vec;

use super::{
    Key, Machine, Overlay, Stop, View, bundle, chain, kept_record, outbox, recovery, seen, showing,
    step::{Event, Mark, Message, Outgoing},
    stored,
    trial::Trial,
};
use crate::{
    code::Code,
    deal::{self, Deal, State},
    fence::List,
    frame::{Answers, Greeting, Lives, NoticeWhat},
    hash::{DealId, EntryHash, PartnerId, RecordId},
    ledger::{Payload, Reason},
    limits::PENDING_MAX,
    thread::Life,
};

/// How this node and a partner have met in the present life.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Session {
    /// The partner's life, once it greeted the present one.
    pub(crate) greeted: Option<Life>,
    /// The partner's life that the latest greeting of this connection answered.
    pub(crate) told: Answers,
    /// Whether letters reach the partner now.
    pub(crate) presence: Presence,
    /// Whether it is being shown what it lost.
    pub(super) recall: Recall,
}

/// Whether a partner is being shown what it lost: what is stored of that, at hand for each
/// decision from the partner's greeting on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Recall {
    /// Not all is shown yet.
    Begun,
    /// It lost nothing, or was shown all.
    Over,
}

/// Whether letters reach a partner now.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Presence {
    /// A connection stands; its greetings are not through yet.
    Meeting,
    /// A connection stands, and the partner says that it has seen what this ledger lacks.
    Ahead,
    /// A connection stands, with greetings that name both lives.
    Here,
    /// It ended. A greeting that was heard still counts.
    Gone,
}

impl Machine {
    /// Between which lives letters to this partner are sent now; none before a greeting of its that
    /// names the present life, so that a letter shows that its author was told what was seen of it.
    #[must_use]
    pub fn lives(&self, partner: PartnerId) -> Option<Lives> {
        let lives = self.answered_lives(partner)?;
        self.is_present(partner).then_some(lives)
    }

    /// Between which lives a letter of this partner counts: of its own the one that was answered last.
    pub(super) fn answered_lives(&self, partner: PartnerId) -> Option<Lives> {
        let session = self.sessions.get(&partner)?;
        let (Answers::Life(to), Ok(from)) = (session.told, Life::new(self.life)) else {
            return None;
        };
        Some(Lives { from, to })
    }

    /// Whether letters reach this partner now, with greetings that name both lives.
    pub(crate) fn is_present(&self, partner: PartnerId) -> bool {
        self.sessions
            .get(&partner)
            .is_some_and(|session| session.presence == Presence::Here)
    }

    /// Whether a connected partner says that it has seen what this ledger lacks.
    pub(super) fn is_behind(&self) -> bool {
        let mut sessions = self.sessions.values();
        sessions.any(|session| session.presence == Presence::Ahead)
    }

    /// Whether this partner greeted the present life, so that holds and decisions may be signed
    /// for it.
    pub(crate) fn is_greeted(&self, partner: PartnerId) -> bool {
        self.greeted_life(partner).is_some()
    }

    /// The life in which this partner greeted the present one.
    pub(super) fn greeted_life(&self, partner: PartnerId) -> Option<Life> {
        self.sessions
            .get(&partner)
            .and_then(|session| session.greeted)
    }
}

/// Notes that a partner that greeted says something: it was told by then what was seen of its lives
/// before. What its life announces goes on from there.
pub(super) fn heard(trial: &mut Trial<'_>, partner: PartnerId) {
    let session = trial.machine.sessions.get(&partner);
    let life = session.and_then(|session| {
        let told = |life: &Life| session.told == Answers::Life(*life);
        session.greeted.filter(told)
    });
    if let Some(life) = life.filter(|life| !seen::has_heard(&trial.view, partner, *life)) {
        trial.mark(Mark::Heard { partner, life });
    }
}

/// Greets all partners that are connected anew, as after the opening of an epoch.
pub(super) fn meet_again(trial: &mut Trial<'_>) -> Result<(), Stop> {
    let sessions = trial.machine.sessions.iter();
    let connected = sessions.filter(|(_, session)| session.presence != Presence::Gone);
    let partners: Vec<PartnerId> = connected.map(|(partner, _)| *partner).collect();
    for partner in partners {
        trial.mark(Mark::Met { partner });
        // It answers what names no life of its own, and takes the new head from what follows.
        tell(trial, partner, Answers::Nothing)?;
    }
    Ok(())
}

/// Begins a life. The first ever opens the ledger.
pub(super) fn start(trial: &mut Trial<'_>, life: Life) {
    trial.mark(Mark::Began { life });
    let payload = if trial.machine.head.last == EntryHash::NONE {
        Payload::Opened {
            reason: Reason::New,
            open: List::default(),
        }
    } else {
        Payload::Lived { life: life.get() }
    };
    trial.enter(payload, None, Vec::new());
    bundle::began(trial);
}

/// A connection to a partner stands: it is greeted.
pub(super) fn met(trial: &mut Trial<'_>, partner: PartnerId) -> Result<(), Stop> {
    let known = latest(&trial.view, partner).map_or(Answers::Nothing, Answers::Life);
    let session = trial.machine.sessions.get(&partner);
    // Another life was answered since: what the one before sent is void.
    let is_followed = session.is_some_and(|session| session.told != known);
    let answers = if is_followed { Answers::Nothing } else { known };
    trial.mark(Mark::Met { partner });
    tell(trial, partner, answers)
}

/// The connection to a partner ended.
pub(super) fn gone(trial: &mut Trial<'_>, partner: PartnerId) {
    trial.mark(Mark::Gone { partner });
    bundle::away(trial, partner);
}

/// A partner greeted.
pub(super) fn greeting(trial: &mut Trial<'_>, greeting: &Greeting) -> Result<(), Stop> {
    let partner = greeting.from;
    if trial.is_past(partner, greeting.life) {
        // A later life has greeted: this comes late, or again.
        return Ok(());
    }
    let answers = Answers::Life(greeting.life);
    let session = trial.machine.sessions.get(&partner).copied();
    let told = session.map_or(Answers::Nothing, |session| session.told);
    if latest(&trial.view, partner) == Some(greeting.life)
        && !matches!(told, Answers::Nothing)
        && told != answers
    {
        // A later life was answered, and told what was seen of this one: nothing is added to that.
        return Ok(());
    }
    if greeting.answers.bits() != trial.machine.life {
        return tell(trial, partner, answers);
    }
    if told != answers {
        tell(trial, partner, answers)?;
    }
    if let Some(lacking) = seen::lacking(trial, &greeting.seen) {
        // It may have seen what this node has lost, so nothing is signed for it. The claim alone
        // proves nothing: a checkpoint or record of this node's own does, and begins recovery.
        let life = greeting.life;
        trial.mark(Mark::Ahead { partner, life });
        trial.event(Event::Ahead { partner });
        let about = RecordId::from_bytes(*lacking.last.as_bytes());
        trial.notice(partner, NoticeWhat::Lost, about, Code::Lost);
        return Ok(());
    }
    let fell_back = showing::is_due(trial, greeting);
    trial.mark(Mark::Greeted {
        partner,
        life: greeting.life,
        head: greeting.head,
    });
    // What it lost comes before what it is asked.
    if fell_back {
        showing::begin(trial, partner, greeting.life);
    }
    outbox::send_all(trial, partner);
    settle(trial, partner, greeting)?;
    bundle::greeted(trial, partner)
}

/// What waited for a greeting: overdue decisions, and questions that were once rejected.
fn settle(trial: &mut Trial<'_>, partner: PartnerId, greeting: &Greeting) -> Result<(), Stop> {
    let (decided, committed) = (&greeting.open_decisions, &greeting.open_commits);
    for deal_id in open_deals(&trial.view, partner) {
        let Some(deal) = Deal::read(&trial.view, deal_id) else {
            continue;
        };
        // What the partner says was decided here waits until the decision is shown: else this node
        // might decide twice.
        let is_decided = decided.contains(&deal_id);
        if matches!(deal.state, State::Held | State::Closed) {
            if committed.contains(&deal_id) {
                trial.mark(Mark::Committed { deal: deal_id });
            }
            let was_said = trial.view.read(&Key::Decided { deal: deal_id }).is_some();
            if is_decided != was_said {
                let is_said = is_decided;
                trial.mark(Mark::Decided {
                    deal: deal_id,
                    is_said,
                });
            }
        }
        if !is_decided && (deal.state == State::Closed || trial.at() > deal.until) {
            deal::overdue(trial, deal_id, &deal)?;
        }
        if let Some(question) = deal.question(deal_id)
            && deal.manifest.is_none()
            && outbox::question(&trial.view, partner, question).is_none()
        {
            trial.again(partner, question);
        }
        chain::go_on(trial, deal_id);
        chain::ask_above(trial, deal_id);
    }
    recovery::say_lost(trial, partner);
    Ok(())
}

/// Greets a partner once more that has greeted, so that it asks again all that it asks (SPEC.md
/// section 15.2); once in a step.
pub(super) fn greet_again(trial: &mut Trial<'_>, partner: PartnerId) {
    let is_greeted =
        |sent: &Outgoing| sent.to == partner && matches!(sent.message, Message::Greeting(_));
    if !trial.machine.is_greeted(partner) || trial.step.replies.iter().any(is_greeted) {
        return;
    }
    if let Some(life) = latest(&trial.view, partner) {
        // Without a life it would have greeted nobody before.
        tell(trial, partner, Answers::Life(life)).ok();
    }
}

/// The deals with a partner that wait for something.
pub(crate) fn open_deals(view: &dyn View, partner: PartnerId) -> Vec<DealId> {
    let mut after = Key::OpenDeal {
        partner,
        deal: DealId::from_bytes([0; 32]),
    };
    let mut deals = Vec::new();
    while let Some((key @ Key::OpenDeal { partner: of, deal }, _)) = view.next(&after)
        && of == partner
    {
        deals.push(deal);
        after = key;
    }
    deals
}

/// The latest life of a partner that named the present one of this node.
pub(super) fn latest(view: &dyn View, partner: PartnerId) -> Option<Life> {
    stored(view, &Key::Greeted { partner })
}

/// Sends a fresh greeting that answers this life of the partner.
fn tell(trial: &mut Trial<'_>, partner: PartnerId, answers: Answers) -> Result<(), Stop> {
    trial.mark(Mark::Told { partner, answers });
    let life = Life::new(trial.machine.life).map_err(Code::from)?;
    let open_commits = open_deals(&trial.view, partner)
        .into_iter()
        .filter(|deal| {
            Deal::read(&trial.view, *deal)
                .is_some_and(|deal| matches!(deal.state, State::Doubt | State::Written))
        })
        .take(PENDING_MAX)
        .collect::<Vec<_>>();
    let open_decisions = outbox::unconfirmed(&trial.view, &trial.machine.config.network, partner);
    let greeting = Greeting {
        from: trial.machine.config.partner,
        to: partner,
        key_index: trial.machine.config.key_index,
        life,
        answers,
        head: (&trial.machine.head).into(),
        seen: seen::told(&trial.view, partner, answers)?,
        open_decisions: List::new(open_decisions).map_err(Code::from)?,
        open_commits: List::new(open_commits).map_err(Code::from)?,
        at: trial.at(),
    };
    trial.reply(partner, Message::Greeting(alloc::boxed::Box::new(greeting)));
    Ok(())
}

impl Trial<'_> {
    /// Whether a partner has greeted with a later life than this one.
    fn is_past(&self, partner: PartnerId, life: Life) -> bool {
        let life = life.get();
        self.view.read(&Key::PastLife { partner, life }).is_some()
    }

    /// Whether a hold was signed in the present life, which has lost nothing since.
    pub(crate) fn held_in_this_life(&self, deal: &Deal) -> bool {
        deal.hold.is_some_and(|hold| self.is_of_this_life(hold))
    }

    /// Whether a record was signed in the present life of this node.
    pub(crate) fn is_of_this_life(&self, id: RecordId) -> bool {
        let record = kept_record(&self.view, &self.machine.config.network, id);
        record.is_some_and(|record| record.body().header().life.get() == self.machine.life)
    }
}

/// What marks of meeting change.
pub(super) fn apply_mark(machine: &mut Machine, mark: &Mark, view: &mut Overlay<'_>) {
    match *mark {
        Mark::Began { life } => machine.life = life.get(),
        Mark::Met { partner } => {
            let greeted = machine
                .sessions
                .get(&partner)
                .and_then(|session| session.greeted);
            let session = Session {
                greeted,
                told: Answers::Nothing,
                presence: Presence::Meeting,
                recall: Recall::Over,
            };
            machine.sessions.insert(partner, session);
        }
        Mark::Told { partner, answers } => {
            let session = machine.sessions.entry(partner).or_insert(Session {
                greeted: None,
                told: answers,
                presence: Presence::Meeting,
                recall: Recall::Over,
            });
            session.told = answers;
        }
        Mark::Greeted {
            partner,
            life,
            head,
        } => {
            if let Some(session) = machine.sessions.get_mut(&partner) {
                session.greeted = Some(life);
                session.presence = Presence::Here;
                session.recall = showing::recall(view, partner);
            }
            note_life(view, partner, life);
            seen::note_head(view, (partner, life), head);
        }
        Mark::Ahead { partner, life } => {
            if let Some(session) = machine.sessions.get_mut(&partner) {
                session.presence = Presence::Ahead;
            }
            note_life(view, partner, life);
        }
        Mark::Heard { partner, life } => seen::heard(view, partner, life),
        Mark::Gone { partner } => {
            if let Some(session) = machine.sessions.get_mut(&partner) {
                session.presence = Presence::Gone;
            }
        }
        Mark::Kept { .. }
        | Mark::Answered { .. }
        | Mark::Asked { .. }
        | Mark::Rejected { .. }
        | Mark::Approved { .. }
        | Mark::AskedAgain { .. }
        | Mark::Showing { .. }
        | Mark::Spoken { .. }
        | Mark::SpokenOf { .. }
        | Mark::SaidLost { .. }
        | Mark::Committed { .. }
        | Mark::Decided { .. }
        | Mark::Drafted { .. }
        | Mark::Silent { .. }
        | Mark::Recovering { .. } => {}
    }
}

/// Notes a life of a partner that named the present one of this node.
fn note_life(view: &mut Overlay<'_>, partner: PartnerId, life: Life) {
    let before = latest(view, partner);
    if before == Some(life) {
        return;
    }
    if let Some(before) = before {
        let life = before.get();
        view.put_bytes(Key::PastLife { partner, life }, Vec::new());
    }
    view.put(Key::Greeted { partner }, &life);
}
