use super::*;
use crate::encoding::tests::hex;
use proptest::prelude::*;

const SPARSE_MAX: usize = 3000;

fn add(bytes: &mut Vec<u8>, element: &[u8]) -> Result<bool, Corrupt> {
    let (index, value) = place(element);
    raise(bytes, index, value, SPARSE_MAX)
}

fn registers(bytes: &[u8]) -> Result<Vec<u8>, Corrupt> {
    let mut all = Registers::new();
    all.merge(bytes)?;
    Ok(all.values().to_vec())
}

/// Made by Redis 7.0.15: PFADD of these elements, then PFCOUNT.
#[test]
fn bytes_are_those_of_a_server() {
    let mut bytes = empty();
    for element in ["a", "b", "c", "1", "12345678", "longer-than-eight-bytes"] {
        assert_eq!(add(&mut bytes, element.as_bytes()), Ok(true));
    }
    let wanted = hex("48594c4c01000000 0000000000000080 43778059ed80438b80485d884852844bfb80425a");
    assert_eq!(bytes, wanted);
    assert_eq!(kept_estimate(&bytes), None);
    let estimate = estimate(&bytes).unwrap_or(0);
    keep_estimate(&mut bytes, estimate);
    assert_eq!(bytes[8..16], [6, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(kept_estimate(&bytes), Some(6));
}

#[test]
fn estimates_are_near() {
    let (mut sparse, mut dense) = (empty(), to_dense(&empty()).unwrap_or_default());
    for n in 1..=200_000u64 {
        let element = n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes();
        let one = add(&mut sparse, &element);
        assert_eq!(one, add(&mut dense, &element));
        if n.is_power_of_two() {
            let found = estimate(&sparse);
            assert_eq!(found, estimate(&dense));
            let off = found.unwrap_or(0).abs_diff(n);
            assert!(off as f64 <= (0.03 * n as f64).max(1.0), "{n}: off by {off}");
        }
    }
    assert_eq!(form(&sparse), Some(Form::Dense));
    assert_eq!(estimate(&empty()), Ok(0));
}

#[test]
fn a_high_value_needs_the_dense_form() {
    let mut bytes = empty();
    assert_eq!(raise(&mut bytes, 5, 32, SPARSE_MAX), Ok(true));
    assert_eq!(form(&bytes), Some(Form::Sparse));
    assert_eq!(raise(&mut bytes, 16383, 33, SPARSE_MAX), Ok(true));
    assert_eq!(form(&bytes), Some(Form::Dense));
    assert_eq!(registers(&bytes).map(|all| (all[5], all[6], all[16383])), Ok((32, 0, 33)));
    let mut short = empty();
    assert_eq!(raise(&mut short, 5, 1, 18), Ok(true));
    assert_eq!(form(&short), Some(Form::Dense));
}

#[test]
fn what_is_none_or_broken_is_refused() {
    assert_eq!(form(b""), None);
    assert_eq!(form(b"HYLL\x01"), None);
    assert_eq!(form(&[&b"HYLL\x02"[..], &[0; 40]].concat()), None);
    assert_eq!(form(&[&b"HYLL\x00"[..], &[0; 40]].concat()), None);
    let head = [&b"HYLL\x01"[..], &[0; 11]].concat();
    for runs in ["", "7f", "7ffe", "7fff00", "7fff7fff", "4000", "7fffff"] {
        let bytes = [&head[..], &hex(runs)].concat();
        assert_eq!(form(&bytes), Some(Form::Sparse));
        assert_eq!(estimate(&bytes), Err(BROKEN), "{runs}");
        assert_eq!(to_dense(&bytes), Err(BROKEN), "{runs}");
        let mut changed = bytes.clone();
        if raise(&mut changed, 16383, 1, SPARSE_MAX).is_err() {
            assert_eq!(changed, bytes);
        }
    }
}

#[test]
fn registers_that_no_hash_could_set_do_not_panic() {
    let mut bytes = to_dense(&empty()).unwrap_or_default();
    bytes[HEAD..].fill(0xFF);
    assert_eq!(estimate(&bytes), Ok(1 << 63));
    bytes[HEAD] = 0;
    assert!(estimate(&bytes).is_ok());
}

proptest! {
    #[test]
    fn both_forms_agree_with_plain_registers(
        steps in prop::collection::vec((0usize..REGISTERS, 1u8..36, 0usize..6), 1..400), most in 30usize..3000,
    ) {
        let mut model = vec![0u8; REGISTERS];
        let mut bytes = empty();
        for (index, value, span) in steps {
            // Neighbours, so that runs meet.
            for (index, old) in model.iter_mut().enumerate().skip(index).take(span) {
                prop_assert_eq!(raise(&mut bytes, index, value, most), Ok(*old < value));
                *old = value.max(*old);
            }
        }
        prop_assert_eq!(registers(&bytes), Ok(model));
        prop_assert!(form(&bytes) == Some(Form::Dense) || bytes.len() <= most.max(21));
        let dense = to_dense(&bytes);
        prop_assert_eq!(dense.as_deref().map(registers), Ok(registers(&bytes)));
        prop_assert_eq!(dense.as_deref().map(estimate), Ok(estimate(&bytes)));
    }

    #[test]
    fn hostile_runs_never_panic(
        mut runs in prop::collection::vec(prop_oneof![any::<u8>(), Just(0x7f), Just(0xff), Just(0x3f)], 0..300),
        index in 0usize..REGISTERS, value in 1u8..52, fill: bool,
    ) {
        if fill {
            let covered: usize = sparse::Runs::new(&runs).map_while(Result::ok).map(|run| run.parts().1).sum();
            if covered < REGISTERS {
                Run::Zeros(REGISTERS - covered).push(&mut runs);
            }
        }
        let mut bytes = [&b"HYLL\x01"[..], &[0; 11], &runs].concat();
        let before = bytes.clone();
        let sound = estimate(&bytes).is_ok();
        prop_assert_eq!(registers(&bytes).is_ok(), sound);
        match raise(&mut bytes, index, value, 100) {
            Err(_) => prop_assert_eq!(&bytes, &before),
            Ok(_) => prop_assert_eq!(registers(&bytes).is_ok(), sound),
        }
        let _ = super::runs(&bytes).count();
    }
}
