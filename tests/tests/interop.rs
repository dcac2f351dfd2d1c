//! Directories handed to and fro between hosts: snapshot, log, rewritten log.

use persistkv_tests::interop::{Common, Mode, RealServer, hand_over};

/// The handover itself, proved with real servers as both hosts.
#[test]
fn servers_hand_over_to_each_other() {
    let pairs = [
        (
            "r62",
            "r70",
            Common { field_expiry: false, functions: false, exact_expiry: false, and_back: false },
        ),
        ("r70", "r82", Common { field_expiry: false, functions: true, exact_expiry: true, and_back: false }),
        ("r70", "r70", Common { field_expiry: false, functions: true, exact_expiry: true, and_back: true }),
        ("v81", "v91", Common { field_expiry: false, functions: true, exact_expiry: true, and_back: false }),
        ("r82", "r82", Common { field_expiry: true, functions: true, exact_expiry: true, and_back: true }),
    ];
    for (from, to, common) in pairs {
        for mode in Mode::ALL {
            if hand_over(&RealServer(from), &RealServer(to), mode, common, 7).is_none() {
                return;
            }
        }
    }
}
