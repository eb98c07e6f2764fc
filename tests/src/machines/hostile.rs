//! What a hostile partner makes of a message of its own machine: it changes what was said and signs
//! it, so that it stands before the other machine with a good signature.

use omni_protocol::{
    code::Code,
    fence,
    frame::{Greeting, NoticeWhat},
    limits::LETTER_RECORDS_MAX,
    machine::Received,
    record::Signed,
    thread::ThreadBody,
};

use super::{Choices, Machines, Mail, What, network, verified};

/// Most places of one message that change.
const CHANGES_MAX: usize = 3;

impl Machines<'_> {
    /// Delivers one message, or greeting, with something else in it. Nothing comes where no such
    /// message can be read.
    pub(super) fn forge(&mut self) {
        let greetings = self.greetings.iter();
        let all: Vec<&Mail> = self.mail.iter().chain(greetings).collect();
        if all.is_empty() {
            return;
        }
        let mail = all[self.choices.below(all.len())].clone();
        let Some(what) = self.forged(&mail) else {
            return;
        };
        self.is_troubled = true;
        self.tell(format!("{} forges", mail.from));
        self.deliver(Mail { what, ..mail });
    }

    fn forged(&mut self, mail: &Mail) -> Option<What> {
        Some(match &mail.what {
            What::Letter(records, attached) => {
                let (mut records, mut attached) = (records.clone(), attached.clone());
                match self.choices.below(4) {
                    0 => records.push(self.some_record(mail)?),
                    1 => attached.push(self.some_record(mail)?),
                    2 => self.forge_one(&mut attached, mail.from)?,
                    _ => self.forge_one(&mut records, mail.from)?,
                }
                if records.len().max(attached.len()) > LETTER_RECORDS_MAX {
                    return None;
                }
                What::Letter(records, attached)
            }
            What::Ask(records) => {
                let mut records = records.clone();
                self.forge_one(&mut records, mail.from)?;
                What::Ask(records)
            }
            What::Stored(_, head) => What::Stored(self.some_record(mail)?.record.id(), *head),
            What::Notice(notice) => {
                let mut notice = *notice;
                notice.about = self.some_record(mail)?.record.id();
                notice.what = [NoticeWhat::Lost, NoticeWhat::Rejected][self.choices.below(2)];
                notice.code = Code::Lost;
                What::Notice(notice)
            }
            What::Greeting(greeting) => {
                let bytes = changed(&fence::to_bytes(greeting), &mut self.choices);
                let forged: Greeting = fence::decode(&bytes, bytes.len()).ok()?;
                What::Greeting(Greeting {
                    from: greeting.from,
                    to: greeting.to,
                    key_index: greeting.key_index,
                    ..forged
                })
            }
        })
    }

    /// Any record of these two that was ever sent; of others none gets so far.
    fn some_record(&mut self, mail: &Mail) -> Option<Received> {
        let two = [mail.from, mail.to].map(|at| self.nodes[at].partner());
        let known = self.records.values();
        let of_two: Vec<_> = known
            .filter(|known| two.contains(&known.record.author()))
            .collect();
        let index = self.choices.below(of_two.len());
        of_two.get(index).map(|known| (*known).clone())
    }

    /// Changes one of these records, if its author may sign it anew.
    fn forge_one(&mut self, records: &mut [Received], from: usize) -> Option<()> {
        let index = self.choices.below(records.len());
        let one = records.get_mut(index)?;
        let author = &self.nodes[from].identity;
        let bytes = changed(one.record.bytes(), &mut self.choices);
        let record = Signed::<ThreadBody>::read(&network(), &*bytes).ok()?;
        if record.author() != author.partner {
            return None;
        }
        let (_, proof) = author.prove(&[record.id()]).remove(0);
        *one = verified(author, &bytes, proof);
        Some(())
    }
}

/// The same bytes with other ones in a few places.
fn changed(bytes: &[u8], choices: &mut Choices<'_>) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=choices.below(CHANGES_MAX) {
        let place = choices.below(256) * 256 + choices.below(256);
        let place = place % bytes.len();
        bytes[place] = choices.byte();
    }
    bytes
}
