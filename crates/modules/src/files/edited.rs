//! For tests of the modules that edit a text in place.

use data::Map;

/// The text of a file after one of the modules has run on it with these arguments, and its message.
pub(super) fn edited(module: &str, before: &str, args: &[(&str, &str)]) -> (String, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    std::fs::write(&path, before).unwrap();
    let mut map: Map = args.iter().copied().collect();
    map.insert("path", path.to_str().unwrap());
    let result = crate::run_local(&crate::RunRequest::new(module, map));
    let msg = result.get_str("msg").unwrap_or_default().to_string();
    (std::fs::read_to_string(&path).unwrap(), msg)
}
