use super::*;
use crate::lucene::testing::{footer, put_index_header, put_vint, put_vlong};
use proptest::prelude::*;

const ID: [u8; 16] = [5; 16];
const CODECS: [Codec; 3] = [Codec::Lucene84, Codec::Lucene87, Codec::Lucene912];

struct Writer {
    out: Vec<u8>,
    codec: Codec,
}

impl Writer {
    fn new(codec: Codec) -> Self {
        let mut out = Vec::new();
        let version = if codec == Codec::Lucene87 { 2 } else { 0 };
        put_index_header(&mut out, &format!("{}DocValuesMetadata", format(codec)), version, ID, "Lucene_0");
        Self { out, codec }
    }

    fn is_9(&self) -> bool {
        self.codec == Codec::Lucene912
    }

    fn int(&mut self, value: i32) {
        self.out.extend(if self.is_9() { value.to_le_bytes() } else { value.to_be_bytes() });
    }

    fn long(&mut self, value: i64) {
        self.out.extend(if self.is_9() { value.to_le_bytes() } else { value.to_be_bytes() });
    }

    fn entry(&mut self, field: i32, kind: u8) {
        self.int(field);
        self.out.push(kind);
    }

    fn presence(&mut self) {
        self.long(700);
        self.long(42);
        self.out.extend(if self.is_9() { [3, 0, 9] } else { [0, 3, 9] });
    }

    fn numeric(&mut self, values: i64, table: i32) {
        self.presence();
        self.long(values);
        self.int(table);
        self.out.extend(vec![1; usize::try_from(table).unwrap_or(0) * 8 + 41]);
    }

    fn addresses(&mut self, values: usize, shift: i32) {
        self.long(1);
        put_vint(&mut self.out, shift);
        self.out.extend(vec![2; values.div_ceil(1 << shift) * 21]);
        self.long(1);
    }

    fn binary(&mut self, compressed: bool) {
        [1, 2].into_iter().for_each(|place| self.long(place));
        self.presence();
        [5, 1, 9].into_iter().for_each(|number| self.int(number));
        if compressed {
            self.long(1);
            // One chunk, 32 documents in a chunk, the longest one.
            [1, 5, 300, 16].into_iter().for_each(|number| put_vint(&mut self.out, number));
            self.out.extend([2; 21]);
            self.long(1);
        } else {
            self.addresses(6, 2);
        }
    }

    fn terms(&mut self, size: u64, compressed: bool) {
        put_vlong(&mut self.out, size);
        if !self.is_9() {
            self.int(if compressed { TERMS_LZ4 } else { 4 });
        }
        self.int(16);
        self.out.extend([3; 21]);
        self.int(12);
        if compressed {
            self.int(99);
        }
        self.out.extend([4; 32]);
        self.int(10);
        self.out.extend([3; 21]);
        self.out.extend([4; 32]);
    }

    fn sorted_set(&mut self, several: bool, compressed: bool) {
        self.out.push(u8::from(several));
        match (several, self.is_9()) {
            (false, true) => self.numeric(5, -1),
            (false, false) => {
                self.presence();
                self.out.extend([5; 21]);
            }
            (true, true) => {
                self.numeric(9, -1);
                self.int(5);
                self.addresses(6, 1);
            }
            (true, false) => {
                self.presence();
                self.out.extend([5; 17]);
                self.int(5);
                self.addresses(6, 1);
            }
        }
        self.terms(200, compressed);
    }
}

fn written(codec: Codec) -> (Vec<u8>, FieldInfos, SoftDeletesField) {
    let mut file = Writer::new(codec);
    let is_8_7 = codec == Codec::Lucene87;
    file.entry(0, 0);
    file.numeric(5, 17);
    file.entry(1, 1);
    file.binary(false);
    file.entry(2, 1);
    file.binary(is_8_7);
    file.entry(3, 3);
    file.sorted_set(false, codec != Codec::Lucene84);
    file.entry(4, 3);
    file.sorted_set(true, codec == Codec::Lucene912);
    file.entry(5, 4);
    file.numeric(5, -1);
    file.int(5);
    file.entry(6, 4);
    file.numeric(9, 2);
    file.int(5);
    file.addresses(6, 3);
    file.entry(7, 0);
    file.numeric(31, -4);
    file.int(-1);
    let infos = FieldInfos { compressed_doc_values: [2].into(), ..FieldInfos::default() };
    let field = SoftDeletesField { number: 7, generation: None, format: String::new(), suffix: String::new() };
    (file.out, infos, field)
}

#[test]
fn entries_of_all_types_are_passed() {
    for codec in CODECS {
        let (bytes, infos, field) = written(codec);
        let file = footer(bytes);
        let read = |id, suffix, field: &SoftDeletesField| presence(&file, id, codec, suffix, &infos, field);
        let expected = Presence::Some { offset: 700, length: 42, jumps: 3, rank_power: Some(9) };
        assert_eq!(read(&ID, "Lucene_0", &field), Ok((expected, 31)), "{codec:?}");
        assert!(read(&[6; 16], "Lucene_0", &field).is_err());
        assert!(read(&ID, "1_Lucene_0", &field).is_err());
        let told = |number| read(&ID, "Lucene_0", &SoftDeletesField { number, ..field.clone() }).unwrap_err();
        assert!(told(8).to_string().contains("no entry of soft deletes"), "{}", told(8));
        assert!(told(6).to_string().contains("not numbers"));
    }
}

#[test]
fn none_and_all_have_no_place() {
    for (offset, expected) in [(NONE, Presence::None), (ALL, Presence::All)] {
        let mut file = Writer::new(Codec::Lucene912);
        file.entry(7, 0);
        [offset, 0].into_iter().for_each(|number| file.long(number));
        file.out.extend([0xFF; 3]);
        file.long(12);
        file.int(-1);
        file.out.extend([0; 41]);
        let (_, infos, field) = written(Codec::Lucene912);
        let found = presence(&footer(file.out), &ID, Codec::Lucene912, "Lucene_0", &infos, &field);
        assert_eq!(found, Ok((expected, 12)));
    }
}

proptest! {
    #[test]
    fn garbage_with_a_right_checksum_gives_errors(
        place in 50_usize..1200,
        garbage in proptest::collection::vec(any::<u8>(), 1..12),
    ) {
        for codec in CODECS {
            let (mut bytes, infos, field) = written(codec);
            bytes.iter_mut().skip(place).zip(&garbage).for_each(|(byte, garbage)| *byte = *garbage);
            let _ = presence(&footer(bytes), &ID, codec, "Lucene_0", &infos, &field);
        }
    }
}
