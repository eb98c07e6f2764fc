//! Bugs that are planted to see whether a run finds them. They lie between the machine and its
//! shell, or in the shell of the simulator, so that no build of the product can have them.

mod legs;
mod middles;

use omni_protocol::{
    code::Code,
    deal::{
        Deal, State,
        credit::{Account, Ledger, Posting, PostingLine},
        order::Order,
        stock::Stock,
    },
    fence::{self, List},
    frame::Lives,
    hash::{PartnerId, RecordId},
    machine::{Change, Input, Key, Mark, Now, Overlay, Step, View, Write},
    thread::ThreadBody,
    value::{Minor, Time},
};

use self::legs::About;
use super::shell::Layers;
use crate::market::network;

const DAY_MS: u64 = 86_400_000;
/// Bytes of the longest value that is tampered with.
const VALUE_BYTES_MAX: usize = 65_536;

/// A bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planted {
    /// Only some of the batches are synced.
    SkipSync,
    /// What was decided is sent when its batch is written, before the sync ends.
    SendBeforeSync,
    /// A hold that is over counts as free without a decision.
    ReleaseByClock,
    /// A hold that no pulse has ended yet counts as not over.
    TrustThePulse,
    /// A second decision of one deal is signed.
    SignTwice,
    /// Refused deals are not remembered.
    ForgetTombstone,
    /// Stock is judged by what is synced, without the batch being built.
    SellFromSnapshot,
    /// A letter of an earlier life counts, or to one.
    AcceptVoid,
    /// Any question ends with `Stored`.
    DropOnStored,
    /// Totals are rounded down where they are posted.
    RoundDown,
    /// An amendment that takes less gives back nothing.
    KeepDifference,
    /// A leg arms again when it is asked again.
    ArmTwice,
    /// An armed leg that is asked again refuses.
    RefuseAfterArming,
    /// A leg is agreed when all but one have armed.
    AllButOne,
    /// An armed leg ends with its hold.
    TimerAborts,
    /// A leg lapses before its patience is over.
    LapseEarly,
    /// A leg arms though its hold has ended.
    ArmAfterEnd,
    /// The leg that arms last does not wait for the others.
    LastArmsFirst,
    /// The lapse of one leg frees the others.
    LapseAborts,
    /// What an armed leg held stays held after an abort.
    KeepAfterAbort,
    /// A leg in doubt is given back when its operator cancels it.
    ReleaseCommitted,
    /// What a hold upstream rests on is given back when its operator cancels it.
    ReleaseBelow,
    /// A part is agreed when its leaf has armed, whatever becomes of the whole.
    LeafDecides,
    /// A leg that rests on a part arms before that.
    ArmBeforeParts,
    /// A deal that rests on a part is sold before that is agreed.
    SellBeforePart,
    /// Places of a slot are judged by what is synced, without the batch being built.
    SlotFromSnapshot,
    /// Sold places of a slot are free.
    SlotTwice,
}

impl Planted {
    /// All of them: eleven of deals between two, then ten of bundles, then those of chains and of slots.
    pub const ALL: [Self; 27] = [
        Self::SkipSync,
        Self::SendBeforeSync,
        Self::ReleaseByClock,
        Self::TrustThePulse,
        Self::SignTwice,
        Self::ForgetTombstone,
        Self::SellFromSnapshot,
        Self::AcceptVoid,
        Self::DropOnStored,
        Self::RoundDown,
        Self::KeepDifference,
        Self::ArmTwice,
        Self::RefuseAfterArming,
        Self::AllButOne,
        Self::TimerAborts,
        Self::LapseEarly,
        Self::ArmAfterEnd,
        Self::LastArmsFirst,
        Self::LapseAborts,
        Self::KeepAfterAbort,
        Self::ReleaseCommitted,
        Self::ReleaseBelow,
        Self::LeafDecides,
        Self::ArmBeforeParts,
        Self::SellBeforePart,
        Self::SlotFromSnapshot,
        Self::SlotTwice,
    ];

    /// How lists and commands call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SkipSync => "skip-sync",
            Self::SendBeforeSync => "send-before-sync",
            Self::ReleaseByClock => "release-by-clock",
            Self::TrustThePulse => "trust-the-pulse",
            Self::SignTwice => "sign-twice",
            Self::ForgetTombstone => "forget-tombstone",
            Self::SellFromSnapshot => "sell-from-snapshot",
            Self::AcceptVoid => "accept-void",
            Self::DropOnStored => "drop-on-stored",
            Self::RoundDown => "round-down",
            Self::KeepDifference => "keep-difference",
            Self::ArmTwice => "arm-twice",
            Self::RefuseAfterArming => "refuse-after-arming",
            Self::AllButOne => "all-but-one",
            Self::TimerAborts => "timer-aborts",
            Self::LapseEarly => "lapse-early",
            Self::ArmAfterEnd => "arm-after-end",
            Self::LastArmsFirst => "last-arms-first",
            Self::LapseAborts => "lapse-aborts",
            Self::KeepAfterAbort => "keep-after-abort",
            Self::ReleaseCommitted => "release-committed",
            Self::ReleaseBelow => "release-below",
            Self::LeafDecides => "leaf-decides",
            Self::ArmBeforeParts => "arm-before-parts",
            Self::SellBeforePart => "sell-before-part",
            Self::SlotFromSnapshot => "slot-from-snapshot",
            Self::SlotTwice => "slot-twice",
        }
    }

    /// Changes what arrived.
    pub(super) fn tamper_input(self, input: &mut Input, present: Lives) {
        if let (Self::AcceptVoid, Input::Letter { lives, .. }) = (self, input) {
            *lives = present.turned();
        }
    }

    /// Changes what was decided, before it is carried.
    pub(super) fn tamper(self, step: &mut Step, stored: Option<(PartnerId, RecordId)>) {
        if let (Self::DropOnStored, Some((partner, record))) = (self, stored) {
            step.changes
                .push(Change::Mark(Mark::Answered { partner, record }));
        }
    }

    /// Changes what is written.
    pub(super) fn tamper_writes(self, writes: &mut Vec<Write>, view: &dyn View) {
        if self == Self::RoundDown {
            round_down(writes, view);
        }
        if self == Self::KeepDifference {
            keep_difference(writes, view);
        }
        legs::tamper_writes(self, writes, view);
        if self == Self::LeafDecides {
            middles::agree_early(writes, view);
        }
    }
}

/// What the machine reads while it decides with a bug.
pub(super) struct Tampered<'a> {
    view: Layers<'a>,
    planted: Planted,
    now: Time,
    /// Whether a Commit or Release is decided about.
    decides: bool,
    is_letter: bool,
    about: About,
}

impl<'a> Tampered<'a> {
    pub(super) fn new(view: Layers<'a>, planted: Planted, input: &Input, now: Now) -> Self {
        let decides =
            |body: &ThreadBody| matches!(body, ThreadBody::Commit(_) | ThreadBody::Release(_));
        let records = match input {
            Input::Letter { records, .. } => records.as_slice(),
            _ => &[],
        };
        Self {
            view,
            planted,
            now: now.time,
            decides: records.iter().any(|one| decides(one.record.body())),
            is_letter: !records.is_empty(),
            about: About::of(input),
        }
    }

    fn changed(&self, key: &Key, bytes: Vec<u8>) -> Option<Vec<u8>> {
        match (self.planted, key) {
            (Planted::ReleaseByClock, Key::Stock { subject }) => {
                let mut stock: Stock = decoded(&bytes);
                for deal in self.over() {
                    let reserved = deal.reserved.iter();
                    for part in reserved.filter(|part| part.subject == *subject) {
                        stock.held = stock.held.saturating_sub(part.steps);
                    }
                }
                Some(fence::to_bytes(&stock))
            }
            (Planted::SellFromSnapshot, Key::Stock { .. })
            | (Planted::SlotFromSnapshot, Key::Places { .. }) => self.view.disk.read(key),
            (Planted::SlotTwice, Key::Places { .. }) => {
                let mut places: Stock = decoded(&bytes);
                places.sold = 0;
                Some(fence::to_bytes(&places))
            }
            (Planted::TrustThePulse, Key::Deal { .. }) if self.is_letter => {
                let mut deal: Deal = decoded(&bytes);
                if deal.state == State::Held {
                    deal.until = deal.until.plus_ms(DAY_MS);
                }
                Some(fence::to_bytes(&deal))
            }
            (Planted::SignTwice, Key::Deal { .. }) if self.decides => {
                let mut deal: Deal = decoded(&bytes);
                if matches!(deal.state, State::Sold | State::Refused) && deal.hold.is_some() {
                    (deal.state, deal.decision) = (State::Held, None);
                }
                Some(fence::to_bytes(&deal))
            }
            (Planted::ForgetTombstone, Key::Deal { .. }) => {
                let deal: Deal = decoded(&bytes);
                (deal.state != State::Refused).then_some(bytes)
            }
            (Planted::SellBeforePart, Key::Deal { .. }) if self.decides => {
                Some(middles::on_own_stock(&bytes))
            }
            (Planted::ArmBeforeParts, Key::Deal { .. }) if self.about == About::Bundle => {
                Some(middles::on_own_stock(&bytes))
            }
            (Planted::ReleaseBelow, Key::Deal { .. }) if matches!(self.about, About::Cancel(_)) => {
                Some(middles::given_up(&bytes))
            }
            (planted, key) => Some(legs::changed(planted, self.about, (key, bytes), self.now)),
        }
    }

    /// Holds that are over by the clock and not decided.
    fn over(&self) -> Vec<Deal> {
        let mut found = Vec::new();
        let mut after = Key::families()
            .find(|key| matches!(key, Key::Due { .. }))
            .expect("a family");
        while let Some((key @ Key::Due { end, deal }, _)) = self.view.next(&after)
            && end < self.now
        {
            found.extend(Deal::read(&self.view, deal).filter(|deal| deal.state == State::Held));
            after = key;
        }
        found
    }
}

impl View for Tampered<'_> {
    fn read(&self, key: &Key) -> Option<Vec<u8>> {
        let bytes = self.view.read(key)?;
        self.changed(key, bytes)
    }

    fn next(&self, after: &Key) -> Option<(Key, Vec<u8>)> {
        let found = self.view.next(after);
        match (self.planted, self.about, after) {
            (Planted::TimerAborts, About::Pulse, Key::Due { .. }) => {
                legs::next_due(&self.view, after, found)
            }
            _ => found,
        }
    }
}

/// Where an amendment is agreed at its provider, no article is sold less than before.
fn keep_difference(writes: &mut Vec<Write>, view: &dyn View) {
    let amends = writes.iter().any(|write| {
        let (Key::Order { order }, Some(bytes)) = (write.key, &write.value) else {
            return false;
        };
        let now: Order = decoded(bytes);
        Order::read(view, order).is_some_and(|before| before.terms != now.terms)
    });
    if amends {
        writes.retain(|write| match (write.key, &write.value) {
            (Key::Stock { subject }, Some(bytes)) => {
                decoded::<Stock>(bytes).sold >= Stock::read(view, subject).sold
            }
            _ => true,
        });
    }
}

/// What rounding up added is taken from the provider's posting and account.
fn round_down(writes: &mut [Write], view: &dyn View) {
    let mut overlay = Overlay::new(view);
    for write in writes.iter() {
        overlay.lay(write.clone());
    }
    let mut shaved = Vec::new();
    for write in writes.iter_mut() {
        let (Key::Posting { deal: id }, Some(bytes)) = (write.key, &write.value) else {
            continue;
        };
        let posting: Posting = decoded(bytes);
        let receivable = |line: &PostingLine| line.account == Ledger::Receivable;
        if view.read(&write.key).is_some() || !posting.lines.iter().any(receivable) {
            continue;
        }
        let terms = Deal::read(&overlay, id).and_then(|deal| deal.terms(&overlay, &network(), id));
        let gained: i64 = terms.map_or(0, |terms| {
            let lines = terms.lines().iter();
            lines.map(|line| gain(line.item(), line.total())).sum()
        });
        let lines = posting.lines.iter().map(|line| PostingLine {
            amount: less(line.amount, gained * line.amount.get().signum()),
            ..*line
        });
        let lines = List::new(lines.collect::<Vec<_>>()).expect("as many");
        let (partner, currency) = (posting.partner, posting.currency);
        write.value = Some(fence::to_bytes(&Posting { lines, ..posting }));
        shaved.push((Key::Account { partner, currency }, gained));
    }
    for (key, gained) in shaved {
        for write in writes.iter_mut().filter(|write| write.key == key) {
            if let Some(bytes) = &write.value {
                let mut account: Account = decoded(bytes);
                account.receivable = less(account.receivable, gained);
                write.value = Some(fence::to_bytes(&account));
            }
        }
    }
}

fn gain(item: &omni_protocol::thread::Item, total: Minor) -> i64 {
    let (minor, per) = (item.price.minor().get(), item.price.per().get());
    let exact = i128::from(item.steps.get()) * i128::from(minor) / i128::from(per);
    total.get() - i64::try_from(exact).expect("as large as the total")
}

fn less(amount: Minor, by: i64) -> Minor {
    Minor::new(amount.get() - by).expect("nearer to 0")
}

fn decoded<T: fence::Wire>(bytes: &[u8]) -> T {
    let read: Result<T, Code> = fence::decode(bytes, VALUE_BYTES_MAX);
    read.expect("a stored value")
}
