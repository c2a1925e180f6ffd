//! Translogs.

use super::{put_header, put_vint};

/// A string as Elasticsearch streams it.
fn put_units(out: &mut Vec<u8>, text: &str) {
    let units: Vec<u16> = text.encode_utf16().collect();
    put_vint(out, i32::try_from(units.len()).unwrap());
    for unit in units {
        let tail = |shift: u16| (unit >> shift & 0x3F) as u8 | 0x80;
        match unit {
            0..=0x7F => out.push(unit as u8),
            0x80..=0x7FF => out.extend([(unit >> 6) as u8 | 0xC0, tail(0)]),
            _ => out.extend([(unit >> 12) as u8 | 0xE0, tail(6), tail(0)]),
        }
    }
}

fn put_operation(out: &mut Vec<u8>, body: &[u8]) {
    out.extend((body.len() as u32 + 4).to_be_bytes());
    out.extend(body);
    out.extend(crc32fast::hash(body).to_be_bytes());
}

/// An index operation in a translog.
pub(crate) fn put_index(out: &mut Vec<u8>, format: i32, kind: &str, id: &str, routing: Option<&str>, source: &[u8]) {
    let mut body = vec![2];
    put_vint(&mut body, format);
    put_units(&mut body, id);
    put_units(&mut body, kind);
    put_vint(&mut body, i32::try_from(source.len()).unwrap());
    body.extend(source);
    body.push(u8::from(routing.is_some()));
    routing.into_iter().for_each(|routing| put_units(&mut body, routing));
    body.push(0);
    body.extend([0; 25]);
    if format >= 7 {
        body.extend((-1_i64).to_be_bytes());
    }
    put_operation(out, &body);
}

/// A delete operation in a translog.
pub(crate) fn put_delete(out: &mut Vec<u8>, format: i32, kind: &str, id: &str) {
    let mut body = vec![3];
    put_vint(&mut body, format);
    if format >= 3 {
        put_units(&mut body, kind);
        put_units(&mut body, id);
    }
    put_units(&mut body, "_uid");
    put_units(&mut body, &format!("{kind}#{id}"));
    body.extend([0; 9]);
    put_operation(out, &body);
}

/// A translog file with the id of [`commit`].
pub(crate) fn translog(operations: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put_header(&mut out, "translog", 2);
    out.extend(22_i32.to_be_bytes());
    out.extend(b"aGuOc7HbTqy5reBleuqjQw");
    out.extend(operations);
    out
}
