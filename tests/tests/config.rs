//! The committed example of a configuration: complete, and equal to the defaults.

use std::path::Path;

use omni_node::config::setting::SETTINGS;
use omni_node::config::{Layers, Origin};

#[test]
fn the_example_is_the_defaults() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let path = root.join("examples/config/config.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let mut layers = Layers::defaults();
    layers.lay_file(&path, &text).unwrap();
    let mut seen = 0;
    for (setting, placed) in layers.iter() {
        let key = setting.key;
        assert_eq!(placed.value, setting.default(), "{key}");
        assert_ne!(placed.origin, Origin::Default, "{key} is missing");
        assert!(text.contains(setting.about), "{key} is described otherwise");
        seen += 1;
    }
    assert_eq!(seen, SETTINGS.len());
}
