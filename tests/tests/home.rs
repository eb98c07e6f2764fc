//! Homes and keys as a library: what holds without a daemon, and what someone else on the machine
//! can't do.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use omni_node::api::server::own_uid;
use omni_node::home::{Environment, Home, HomeError, socket};
use omni_node::keys::Keys;
use omni_protocol::identity::Role;
use omni_protocol::value::Time;
use omni_tests::omni::Place;

const NOW_MS: u64 = 1_800_000_000_000;

#[test]
fn delegations_bind_the_nodes_keys_to_the_partner() {
    let place = Place::new();
    place.ok(&["init"]);
    let keys = Keys::load(&Home::at(place.home())).unwrap();
    let partner = keys.identity().partner();
    let now = Time::new(NOW_MS).unwrap();
    let [transport, sealing] = keys.delegations(now).unwrap();
    let check = |signed: &omni_protocol::identity::SignedDelegation, role, at: Time| {
        signed.check(partner, role, keys.chain(), at).is_ok()
    };
    assert!(check(&transport, Role::Transport, now));
    assert!(check(&sealing, Role::Sealing, now));
    assert!(!check(&transport, Role::Sealing, now));
    assert!(!check(
        &sealing,
        Role::Sealing,
        now.plus_ms(401 * 86_400_000)
    ));
    assert_eq!(sealing.claimed().key(), keys.sealing_public());
}

#[test]
fn two_homes_are_two_partners_with_modes_that_keep_others_out() {
    let places = [Place::new(), Place::new()];
    let partners = places.each_ref().map(|place| {
        place.ok(&["init"]);
        Keys::load(&Home::at(place.home()))
            .unwrap()
            .identity()
            .partner()
    });
    assert_ne!(partners[0], partners[1]);
    let mut files = 0;
    for folder in [places[0].home(), places[0].home().join("keys")] {
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o700);
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                assert_eq!(mode(&path), 0o600, "{}", path.display());
                files += 1;
            }
        }
    }
    // Four of the home, and five of its keys.
    assert_eq!(files, 9);
}

#[test]
fn a_failed_init_leaves_nothing() {
    let place = Place::new();
    for args in [&["init", "--network", "A"][..], &["init", "--country", "x"]] {
        assert_eq!(place.run(args).status.code(), Some(6));
        let left: Vec<_> = fs::read_dir(place.path())
            .unwrap()
            .map(|e| e.unwrap().file_name())
            .collect();
        assert_eq!(left, ["run"]);
    }
}

#[test]
fn a_home_has_one_daemon() {
    let place = Place::new();
    place.ok(&["init"]);
    let home = Home::at(place.home());
    let lock = home.lock().unwrap();
    let own = std::process::id();
    let busy = home.lock();
    assert!(matches!(busy, Err(HomeError::Busy { pid: Some(pid), .. }) if pid == own));
    let output = place.run(&["up"]);
    assert_eq!(output.status.code(), Some(5));
    drop(lock);
    drop(home.lock().unwrap());
}

#[tokio::test]
async fn hostile_socket_folders_are_passed_over() {
    let place = Place::new();
    let uid = own_uid().unwrap();
    let runtime = place.path().join("run");
    let temp = place.path().join("tmp");
    fs::create_dir(&temp).unwrap();
    let text = |path: &Path| path.display().to_string();
    let (runtime_text, temp_text) = (text(&runtime), text(&temp));
    let env: Environment = [
        ("XDG_RUNTIME_DIR", runtime_text.as_str()),
        ("TMPDIR", temp_text.as_str()),
    ]
    .into();
    let find = || socket::place(&place.home(), uid, &env).unwrap();
    assert!(find().starts_with(runtime.join("omni")));
    assert_eq!(find(), find());
    // Others may enter it.
    let open = fs::Permissions::from_mode(0o755);
    fs::set_permissions(runtime.join("omni"), open).unwrap();
    assert!(find().starts_with(&temp));
    // A link to a folder that someone else may change later.
    fs::remove_dir(runtime.join("omni")).unwrap();
    symlink(&temp, runtime.join("omni")).unwrap();
    assert!(find().starts_with(&temp));
    // Too long for a socket.
    let long = "x".repeat(120);
    let env: Environment = [
        ("XDG_RUNTIME_DIR", long.as_str()),
        ("TMPDIR", temp_text.as_str()),
    ]
    .into();
    assert!(
        socket::place(&place.home(), uid, &env)
            .unwrap()
            .starts_with(&temp)
    );
}

#[test]
fn hostile_environment_without_a_folder_is_an_error() {
    let place = Place::new();
    let output = place.command(&["status"]).env_clear().output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("OMNI_HOME"), "{stderr}");
}
