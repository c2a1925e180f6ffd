use super::*;

fn digest(documents: &[(&str, &str)]) -> Digest {
    let mut digest = Digest::new();
    documents.iter().for_each(|(id, text)| digest.add(id, None, text.as_bytes()));
    digest
}

/// A collection that is well at every place: of four documents one was left out.
struct Well {
    digest: Digest,
    fingerprint: String,
}

impl Well {
    fn new() -> Self {
        let digest = digest(&[("a", "1"), ("b", "2"), ("c", "3")]);
        Self { fingerprint: digest.fingerprint(), digest }
    }

    const COPIED: Copied = Copied { there: Some(4), read: 4, left_out: 1 };

    fn places(&self, proof: Option<Proof>) -> Places<'_> {
        let mut places = Places::new(proof, ["x"]);
        places.copied("x", Self::COPIED);
        places.written("x", Stored::from(&self.digest));
        if proof.is_some() {
            places.read("x", ReadBack::from(&self.digest));
        }
        places
    }

    /// Returns what does not fit once something is changed in what is well.
    fn gaps<'a>(&'a self, change: impl FnOnce(&mut Places<'a>)) -> Vec<Gap> {
        let mut places = self.places(Some(Proof::Documents));
        change(&mut places);
        places.discrepancies().into_iter().map(|one| one.gap).collect()
    }
}

#[test]
fn what_fits_has_no_gap_and_is_counted() {
    let well = Well::new();
    for proof in [None, Some(Proof::Counts), Some(Proof::Documents)] {
        let places = well.places(proof);
        assert_eq!((places.discrepancies(), places.extent()), (Vec::new(), (1, 3, 1)), "{proof:?}");
    }
    let documents = 3;
    for content in [Content::Fingerprint(&well.fingerprint), Content::Changed(0)] {
        let gaps = well.gaps(|places| {
            places.read.insert("x", ReadBack { documents, content });
        });
        assert_eq!(gaps, [], "{content:?}");
    }
    let nothing = Places::new(Some(Proof::Documents), []);
    assert_eq!((nothing.discrepancies(), nothing.extent()), (Vec::new(), (0, 0, 0)));
}

#[test]
fn a_collection_that_one_place_lacks_is_named() {
    let well = Well::new();
    assert_eq!(
        well.gaps(|places| {
            places.planned.remove("x");
        }),
        [Gap::NotPlanned]
    );
    assert_eq!(
        well.gaps(|places| {
            places.copied.remove("x");
        }),
        [Gap::NeverCopied]
    );
    assert_eq!(
        well.gaps(|places| {
            places.written.remove("x");
        }),
        [Gap::NotWritten, Gap::NeverWritten]
    );
    assert_eq!(
        well.gaps(|places| {
            places.read.remove("x");
        }),
        [Gap::NotRead]
    );
    let mut places = well.places(Some(Proof::Counts));
    places.read.clear();
    assert_eq!(places.discrepancies(), [Discrepancy { collection: "x".into(), gap: Gap::NotRead }]);
}

#[test]
fn a_collection_that_only_one_place_has_is_named() {
    let well = Well::new();
    assert_eq!(well.gaps(|places| places.plan("y", None)), [Gap::NotCopied]);
    assert_eq!(well.gaps(|places| places.copied("y", Well::COPIED)), [Gap::NotPlanned, Gap::NotWritten]);
    let written = well.gaps(|places| places.written("y", Stored { documents: 0, digest: None }));
    assert_eq!(written, [Gap::NotPlanned, Gap::NeverCopied, Gap::NotRead], "even where it is empty");
    let read = well.gaps(|places| places.read("y", ReadBack { documents: 0, content: Content::Unknown }));
    assert_eq!(read, [Gap::NotPlanned, Gap::NeverWritten]);
    assert_eq!(well.gaps(|places| places.copied("x", Well::COPIED)), [Gap::Twice]);
}

#[test]
fn a_number_that_one_place_has_of_its_own_is_told_with_those_of_its_neighbours() {
    let well = Well::new();
    let planned = |number| well.gaps(|places| places.plan("x", Some(number)));
    assert_eq!(planned(3), []);
    for planned_number in [2, 4] {
        assert_eq!(planned(planned_number), [Gap::OtherThanPlanned { planned: planned_number, written: 3 }]);
    }
    let copied = |copied| {
        well.gaps(|places| {
            places.copied.insert("x", copied);
        })
    };
    for there in [3, 5] {
        let gap = Gap::OtherThanThere { there, read: 4 };
        assert_eq!(copied(Copied { there: Some(there), ..Well::COPIED }), [gap], "more is as wrong as less");
    }
    assert_eq!(copied(Copied { there: None, ..Well::COPIED }), [], "an earlier version has not kept it");
    for (read, left_out) in [(3, 1), (5, 1), (4, 0), (4, 2), (2, u64::MAX)] {
        let gap = Gap::OtherThanCopied { read, written: 3, left_out };
        assert_eq!(copied(Copied { there: None, read, left_out }), [gap]);
    }
    let written = |documents| {
        let stored = Stored { documents, digest: Some(&well.digest) };
        well.gaps(|places| {
            places.written.insert("x", stored);
        })
    };
    for documents in [2, 4] {
        let gaps = [
            Gap::OtherThanCopied { read: 4, written: documents, left_out: 1 },
            Gap::OtherDigest { written: documents, digest: 3 },
            Gap::OtherNumber { written: documents, read: 3 },
        ];
        assert_eq!(written(documents), gaps);
    }
    for documents in [2, 4] {
        let read = ReadBack { documents, content: Content::Unknown };
        let gap = Gap::OtherNumber { written: 3, read: documents };
        assert_eq!(
            well.gaps(|places| {
                places.read.insert("x", read);
            }),
            [gap]
        );
    }
}

#[test]
fn another_content_is_a_gap_however_it_was_read() {
    let (well, documents) = (Well::new(), 3);
    let other = digest(&[("a", "1"), ("b", "2"), ("c", "4")]);
    let fingerprint = other.fingerprint();
    for content in [Content::Digest(&other), Content::Fingerprint(&fingerprint), Content::Changed(1)] {
        let gaps = well.gaps(|places| {
            places.read.insert("x", ReadBack { documents, content });
        });
        assert_eq!(gaps, [Gap::OtherContent], "{content:?}");
    }
}

#[test]
fn what_was_only_counted_is_compared_only_where_that_was_asked_for() {
    let well = Well::new();
    let counted = ReadBack { documents: 3, content: Content::Unknown };
    assert_eq!(
        well.gaps(|places| {
            places.read.insert("x", counted);
        }),
        [Gap::NotCompared]
    );
    let mut places = well.places(Some(Proof::Counts));
    places.read.insert("x", counted);
    assert_eq!(places.discrepancies(), []);
    // A digest that there is nothing to hold against shows nothing.
    let unknown = Stored { documents: 3, digest: None };
    assert_eq!(
        well.gaps(|places| {
            places.written.insert("x", unknown);
        }),
        [Gap::NotCompared]
    );
}

#[test]
fn a_document_that_was_added_since_hides_none_that_is_missing() {
    let well = Well::new();
    let compared = Compared { documents: 3, missing: 1, added: 1, ..Compared::default() };
    let gaps = well.gaps(|places| {
        places.read.insert("x", ReadBack::from(&compared));
    });
    assert_eq!(gaps, [Gap::OtherNumber { written: 3, read: 2 }]);
}
