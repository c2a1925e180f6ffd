//! Numbers and strings within files.

use super::Control;
use clearml_migrate::lucene::documents_set::{Documents, Shape};
use clearml_migrate::lucene::input::{ByteOrder, Input};
use clearml_migrate::lucene::packed;

pub fn order(bits: u8) -> ByteOrder {
    if bits & 1 == 1 { ByteOrder::Little } else { ByteOrder::Big }
}

/// Order, width, count, then the values.
pub fn packed(input: &[u8]) -> bool {
    let mut control = Control(input);
    let (order, bits, count) = (order(control.u8()), u32::from(control.u8() % 70), usize::from(control.u16()));
    let mut input = Input::new(control.rest()).ordered(order);
    let Ok(values) = packed::packed(&mut input, bits, count) else { return false };
    let values: Vec<u64> = values.collect();
    assert_eq!((values.len(), input.position()), (count, (count * bits as usize).div_ceil(8)));
    assert!(values.iter().all(|value| bits == 64 || value >> bits == 0));
    true
}

/// Order and ranks, entries in the table of jumps, then the set.
pub fn documents_set(input: &[u8]) -> bool {
    const MAX_DOC: u32 = 1 << 18;
    let mut control = Control(input);
    let kind = control.u8();
    let rank_power = Some(kind >> 1).filter(|power| (7..=15).contains(power));
    let shape = Shape { order: order(kind), rank_power, jumps: control.u8().into() };
    let bytes = control.rest();
    let mut documents = Vec::new();
    let mut accepted = true;
    for doc in Documents::new(bytes, shape, 0) {
        // As a reader does: what is behind the last document is wrong anyway.
        match doc {
            Ok(doc) if doc < MAX_DOC => documents.push(doc),
            _ => {
                accepted = false;
                break;
            }
        }
    }
    assert!(documents.is_sorted());
    if let Some(from) = documents.get(documents.len() / 2) {
        let rest = Documents::new(bytes, shape, *from).take_while(Result::is_ok).flatten();
        let expected = documents.iter().copied().filter(|doc| doc >= from);
        assert!(expected.eq(rest.take_while(|doc| *doc < MAX_DOC)));
    }
    accepted
}

/// Which reader, then what it reads.
pub fn strings(input: &[u8]) -> bool {
    let mut control = Control(input);
    let (reader, order) = (control.u8(), order(control.u8()));
    let mut input = Input::new(control.rest()).ordered(order);
    let length = input.rest().len();
    let read = match reader % 9 {
        0 => input.string().map(drop),
        1 => input.strings().map(drop),
        2 => input.string_map().map(drop),
        3 => input.vlong().map(|value| assert!(i64::try_from(value).is_ok())),
        4 => input.natural().map(drop),
        5 => input.count().map(drop),
        6 => input.count32().map(drop),
        7 => input.u16().map(drop),
        _ => input.vint().map(drop),
    };
    assert!(input.position() <= length && input.position() + input.rest().len() == length);
    assert!(read.is_err() || input.position() > 0);
    read.is_ok()
}
