//! Save points: `save ""` never saves by itself, `save "3600 1"` saves at the close and, after an hour, by itself.
#![allow(clippy::print_stdout)]

use persistkv::{Reply, Result, Store};

fn main() -> Result<()> {
    let root = std::env::args().nth(1).unwrap_or_else(|| "save-points-data".to_owned());
    for save in ["", "3600 1"] {
        let dir = format!("{root}/{}", if save.is_empty() { "never" } else { "hourly" });
        let store = Store::open(&dir, &[("save", save)])?;
        store.client().execute(&["SET", "k", "v"])?;
        store.close()?;
        let store = Store::open(&dir, &[("save", save)])?;
        let kept = store.client().execute(&["GET", "k"])? != Reply::Null;
        println!("save {save:?}: kept over a close: {kept}");
        // SAVE works whatever the save points say.
        store.client().execute(&["SET", "k", "v"])?;
        store.client().execute(&["SAVE"])?;
        store.close()?;
        let store = Store::open(&dir, &[("save", save)])?;
        let kept = store.client().execute(&["GET", "k"])? != Reply::Null;
        println!("save {save:?} and SAVE: kept over a close: {kept}");
        store.close()?;
    }
    Ok(())
}
