//! Values as TOML, in the form that the Python library `tomli_w` writes for Ansible: literals first, then a section for each table.

use data::{Map, Value, python};

/// Text for a mapping: the whole of a file.
pub(crate) fn to_toml(map: &Map) -> String {
    let mut text = String::new();
    table(map, "", false, &mut text);
    text
}

/// A table under its name; with `element` one of a list of tables. Says whether anything was written.
fn table(map: &Map, name: &str, element: bool, text: &mut String) {
    let mut literals = Vec::new();
    let mut tables: Vec<(String, &Map, bool)> = Vec::new();
    for (key, value) in map.iter() {
        let key = key_text(&key.to_string());
        match value {
            Value::Map(below) => tables.push((key, below, false)),
            Value::List(items) if is_long_list_of_tables(items) => {
                tables.extend(items.iter().filter_map(Value::as_map).map(|below| (key.clone(), below, true)));
            }
            other => literals.push((key, other)),
        }
    }
    let start = text.len();
    if element {
        text.push_str(&format!("[[{name}]]\n"));
    } else if !name.is_empty() && (!literals.is_empty() || tables.is_empty()) {
        text.push_str(&format!("[{name}]\n"));
    }
    for (key, value) in literals {
        text.push_str(&format!("{key} = {}\n", literal(value, 0)));
    }
    for (key, below, element) in tables {
        if text.len() > start {
            text.push('\n');
        }
        let full = if name.is_empty() { key } else { format!("{name}.{key}") };
        table(below, &full, element, text);
    }
}

/// Lists of tables stand as sections, unless each of them is short enough for a line.
fn is_long_list_of_tables(items: &data::List) -> bool {
    const LINE: usize = 100;
    let fits = |map: &Map| {
        let line = format!("    {},", inline(map));
        line.chars().count() <= LINE && !line.contains('\n')
    };
    !items.is_empty()
        && items.iter().all(|item| item.as_map().is_some())
        && !items.iter().filter_map(Value::as_map).all(fits)
}

fn literal(value: &Value, depth: usize) -> String {
    match value {
        Value::Bool(flag) => flag.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) if number.is_nan() => "nan".to_owned(),
        Value::Float(number) if number.is_infinite() => if *number > 0.0 { "inf" } else { "-inf" }.to_owned(),
        Value::Float(_) => python::str(value),
        Value::Str(text) if text.is_date() => text.python_str(),
        Value::Str(text) => string(text),
        Value::List(items) if items.is_empty() => "[]".to_owned(),
        Value::List(items) => {
            let lead = "    ".repeat(depth + 1);
            let lines: String =
                items.iter().map(|item| format!("{lead}{},\n", literal(item, depth + 1))).collect();
            format!("[\n{lines}{}]", "    ".repeat(depth))
        }
        Value::Map(map) => inline(map),
        // TOML has no word for nothing; Ansible fails here.
        Value::Null | Value::Undefined(_) => string(""),
    }
}

fn inline(map: &Map) -> String {
    if map.is_empty() {
        return "{}".to_owned();
    }
    let pairs: Vec<String> = map
        .iter()
        .map(|(key, value)| format!("{} = {}", key_text(&key.to_string()), literal(value, 0)))
        .collect();
    format!("{{ {} }}", pairs.join(", "))
}

/// A key as it is, or in quotes where TOML wants them.
fn key_text(key: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !key.is_empty() && key.chars().all(bare) { key.to_owned() } else { string(key) }
}

fn string(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            // The library leaves tabs as they are.
            '\t' => out.push('\t'),
            c if c < ' ' || c == '\u{7f}' => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_lists_and_literals_are_written_as_tomli_w_does() {
        let some = Map::from([("some_int", Value::from(1)), ("f", Value::from(1.5)), ("b", true.into())]);
        let at = data::Text::date("2020-01-01T12:42:42-07:00").unwrap();
        let host = Map::from([
            ("s", Value::from("a \"b\"\\\n")),
            ("d", Value::Map(some)),
            ("l", vec![Value::from("x"), Value::from(2)].into()),
            ("t", Value::from(at)),
            ("e", Value::List(data::List::default())),
            ("a b", Value::Map(Map::new())),
        ]);
        let hosts = Map::from([("web.1", Value::Map(host))]);
        let group = Map::from([("children", Value::from(vec![Value::from("c")])), ("hosts", hosts.into())]);
        let text = to_toml(&Map::from([("g", Value::Map(group))]));
        // Recorded from tomli_w 1.2.
        assert_eq!(
            text,
            "[g]\nchildren = [\n    \"c\",\n]\n\n[g.hosts.\"web.1\"]\ns = \"a \\\"b\\\"\\\\\\n\"\nl = [\n    \"x\",\n    2,\n]\nt = 2020-01-01 12:42:42-07:00\ne = []\n\n\
             [g.hosts.\"web.1\".d]\nsome_int = 1\nf = 1.5\nb = true\n\n[g.hosts.\"web.1\".\"a b\"]\n"
        );
    }
}
