//! The lookup `sequence`: `start=1 end=5 stride=2 format=host%02d`, or `1-5/2:host%02d`.

use data::Text;

use crate::eval::format_percent;
use crate::lookups::{Lookup, Request};
use crate::val::{Res, Val, fail};

pub(crate) const LOOKUPS: &[Lookup] = &[Lookup::new("sequence", sequence)];

#[derive(Clone)]
struct Fields {
    start: i128,
    end: Option<i128>,
    count: Option<i128>,
    stride: i128,
    format: String,
}

fn number(field: &str, text: &str) -> Res<i128> {
    match text.trim().parse() {
        Ok(number) => Ok(number),
        Err(_) => fail(format!(
            "unknown error generating sequence: Config '{field}' for 'sequence' lookup plugin from 'Direct' has an invalid value."
        )),
    }
}

fn sequence(request: &mut Request<'_, '_>) -> Res<Vec<Val>> {
    let base = Fields {
        start: request.int("start")?.unwrap_or(1),
        end: request.int("end")?,
        count: request.int("count")?,
        stride: request.int("stride")?.unwrap_or(1),
        format: request.text("format")?.unwrap_or_else(|| "%d".to_owned()),
    };
    let given = base.end.is_some() || base.count.is_some() || base.format != "%d";
    request.finish()?;
    let mut found = Vec::new();
    // Options alone make one sequence; neither options nor terms make none.
    let terms = if request.terms.is_empty() && given { vec![String::new()] } else { request.text_terms()? };
    for term in terms {
        let mut fields = base.clone();
        if !term.is_empty() && !shortcut(&term, &mut fields)? {
            options(&term, &mut fields)?;
        }
        generate(request, fields, &mut found)?;
    }
    Ok(found)
}

/// `[start-]end[/stride][:format]`
fn shortcut(term: &str, fields: &mut Fields) -> Res<bool> {
    let (range, format) = term.split_once(':').map_or((term, None), |(range, format)| (range, Some(format)));
    let (range, stride) =
        range.split_once('/').map_or((range, None), |(range, stride)| (range, Some(stride)));
    let (start, end) = range.split_once('-').map_or((None, range), |(start, end)| (Some(start), end));
    let is_number = |text: &str| {
        let digits = text.trim_start_matches("0x");
        !digits.is_empty() && digits.chars().all(|c| c.is_ascii_hexdigit())
    };
    if ![Some(end), start, stride].into_iter().flatten().all(is_number) {
        return Ok(false);
    }
    fields.end = Some(number("end", end)?);
    if let Some(start) = start {
        fields.start = number("start", start)?;
    }
    if let Some(stride) = stride {
        fields.stride = number("stride", stride)?;
    }
    if let Some(format) = format {
        format.clone_into(&mut fields.format);
    }
    Ok(true)
}

fn options(term: &str, fields: &mut Fields) -> Res<()> {
    let parsed = match data::split::parse_kv(&Text::plain(term), false) {
        Ok(parsed) => parsed,
        Err(error) => return fail(error.to_string()),
    };
    for (key, value) in &parsed.options {
        match key.as_str() {
            "start" => fields.start = number("start", value)?,
            "end" => fields.end = Some(number("end", value)?),
            "count" => fields.count = Some(number("count", value)?),
            "stride" => fields.stride = number("stride", value)?,
            "format" => fields.format = value.to_string(),
            other => return fail(format!("unrecognized arguments to with_sequence: ['{other}']")),
        }
    }
    Ok(())
}

fn generate(request: &Request<'_, '_>, fields: Fields, found: &mut Vec<Val>) -> Res<()> {
    let Fields { start, end, count, mut stride, format } = fields;
    let end = match (end, count) {
        (None, None) => return fail("must specify count or end in with_sequence"),
        (Some(_), Some(_)) => return fail("can't specify both count and end in with_sequence"),
        (Some(end), None) => end,
        (None, Some(0)) => {
            return Ok(());
        }
        (None, Some(count)) => {
            start + count * stride - stride.signum().max(1) * if stride == 0 { 0 } else { stride.abs() }
        }
    };
    if stride == 0 {
        return Ok(());
    }
    if stride > 0 && end < start {
        return fail("to count backwards make stride negative");
    }
    if stride < 0 && end > start {
        return fail("to count forward don't make stride negative");
    }
    if format.matches('%').count() - 2 * format.matches("%%").count() != 1 {
        return fail(format!("bad formatting string: {format}"));
    }
    if stride > 0 && end == start {
        stride = 1;
    }
    let mut at = start;
    while (stride > 0 && at <= end) || (stride < 0 && at >= end) {
        request.ev.spend(1, 0)?;
        found.push(Val::from(format_percent(request.ev, &format, &Val::Int(at))?));
        at += stride;
    }
    Ok(())
}
