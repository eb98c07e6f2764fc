//! Checkpoints as C2SP signed notes: one text, read in one way.

use omni_protocol::{
    identity::sign_bytes,
    ledger::note::{Checkpoint, NoteError, SignedCheckpoint},
    value::Time,
};
use omni_tests::market::{Identity, network};

fn signed(identity: &Identity) -> SignedCheckpoint {
    let checkpoint = Checkpoint {
        network: network(),
        partner: identity.partner,
        epoch: 2,
        size: 1234,
        root: [0xa5; 32],
        at: Time::new(1_700_000_000_000).unwrap(),
        life: 0xdead_beef,
    };
    let signature = sign_bytes(&identity.secret, checkpoint.text().as_bytes());
    checkpoint.signed(0, identity.key.key().as_bytes(), *signature.as_bytes())
}

#[test]
fn the_text_is_that_of_the_specification() {
    let identity = Identity::new(1);
    let text = signed(&identity).text();
    let lines: Vec<&str> = text.split('\n').collect();
    let origin = format!("omni/1/ledger/{}/{}/2", network(), identity.partner);
    assert_eq!(
        lines[..6],
        [
            origin.as_str(),
            "1234",
            "paWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaU=",
            "at 1700000000000",
            "life 00000000deadbeef",
            "",
        ]
    );
    assert!(lines[6].starts_with(&format!("\u{2014} {}/0 ", identity.partner)));
    assert_eq!(lines[7..], [""]);
}

#[test]
fn a_note_is_read_back_and_its_signature_checked() {
    let (identity, other) = (Identity::new(1), Identity::new(2));
    let note = signed(&identity);
    let text = note.text();
    let read = SignedCheckpoint::read(&text, network(), identity.partner).unwrap();
    assert_eq!(read, note);
    assert_eq!(read.verify(identity.key.key().as_bytes()), Ok(()));
    assert_eq!(
        read.verify(other.key.key().as_bytes()),
        Err(NoteError::Signature)
    );
    assert_eq!(
        SignedCheckpoint::read(&text, network(), other.partner),
        Err(NoteError::Origin)
    );
    // A cosignature may follow; another line may not.
    let cosigned = format!("{text}\u{2014} witness AAAA\n");
    assert_eq!(
        SignedCheckpoint::read(&cosigned, network(), identity.partner),
        Ok(note)
    );
    for broken in [
        format!("{text}x\n"),
        format!("{text}\n"),
        format!("{cosigned}x"),
    ] {
        assert!(
            SignedCheckpoint::read(&broken, network(), identity.partner).is_err(),
            "{broken}"
        );
    }
}

#[test]
fn no_other_spelling_is_read() {
    let identity = Identity::new(1);
    let text = signed(&identity).text();
    for (from, to) in [
        ("\n1234\n", "\n01234\n"),
        ("\n1234\n", "\n+1234\n"),
        ("\n1234\n", "\n1234 \n"),
        ("at 1700000000000", "at 1700000000000.0"),
        ("life 00000000deadbeef", "life deadbeef"),
        ("life 00000000deadbeef", "life 00000000DEADBEEF"),
        ("aU=\n", "aU\n"),
        ("aU=\n", "aV=\n"),
        ("\n\n", "\n"),
        ("\u{2014} ", "- "),
        ("omni/1/", "omni/2/"),
        ("/0 ", "/00 "),
        ("\n1234\n", "\r\n1234\r\n"),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from:?} occurs");
        assert!(
            SignedCheckpoint::read(&changed, network(), identity.partner).is_err(),
            "{from:?} as {to:?}"
        );
    }
    let long = format!("{text}\u{2014} {}\n", "a".repeat(1024));
    assert_eq!(
        SignedCheckpoint::read(&long, network(), identity.partner),
        Err(NoteError::TooLong)
    );
}

#[test]
fn each_byte_counts() {
    let identity = Identity::new(1);
    let text = signed(&identity).text().into_bytes();
    for at in 0..text.len() {
        let mut changed = text.clone();
        changed[at] ^= 1;
        let Ok(changed) = String::from_utf8(changed) else {
            continue;
        };
        let good = SignedCheckpoint::read(&changed, network(), identity.partner)
            .is_ok_and(|note| note.verify(identity.key.key().as_bytes()).is_ok());
        assert!(!good, "byte {at} changed and nobody saw it");
    }
}
