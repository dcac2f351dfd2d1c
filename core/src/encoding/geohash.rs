//! Places as numbers: longitude and latitude, halved in turn, bit by bit.
//!
//! A [`Cell`] is what is left of the earth after some halvings. With 26 of each coordinate its 52 bits fit a double
//! without loss: that is the score under which a place stands in a sorted set. The poles are left out, as web maps do.
//! Sums are written in the order in which Redis computes them, so that they round the same way.

/// A longitude and a latitude, in degrees.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Place {
    /// -180 to 180, east is positive.
    pub lon: f64,
    /// North is positive.
    pub lat: f64,
}

/// What longitudes or latitudes are possible.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Span {
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
}

/// All longitudes.
pub const LON: Span = Span { min: -180.0, max: 180.0 };
/// The latitudes that a place may have.
pub const LAT: Span = Span { min: -85.051_128_78, max: 85.051_128_78 };
/// The latitudes of standard geohashes.
const WHOLE_LAT: Span = Span { min: -90.0, max: 90.0 };
/// Halvings of a score.
pub const STEPS_MAX: u32 = 26;

impl Span {
    /// Whether a coordinate is possible.
    pub fn contains(self, at: f64) -> bool {
        (self.min..=self.max).contains(&at)
    }

    fn part(self, at: f64, steps: u32) -> u32 {
        let share = (at - self.min) / (self.max - self.min);
        // The greatest coordinate gives one bit more than the others: so it does in Redis.
        (share * (1u64 << steps) as f64) as u32
    }

    fn edge(self, part: u32, steps: u32) -> f64 {
        self.min + (f64::from(part) / (1u64 << steps) as f64) * (self.max - self.min)
    }
}

/// A part of the earth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Bits of the longitude (the higher of each pair) and the latitude.
    pub bits: u64,
    /// How often each coordinate was halved, 1 to 26.
    pub steps: u32,
}

/// A cell's edges.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Area {
    /// West and east.
    pub lon: Span,
    /// South and north.
    pub lat: Span,
}

impl Place {
    /// Whether a place can be written as a score.
    pub fn is_valid(self) -> bool {
        LON.contains(self.lon) && LAT.contains(self.lat)
    }

    /// The score of a place.
    pub fn score(self) -> u64 {
        Cell::around(self, STEPS_MAX).bits
    }

    /// The place of a score: the middle of its cell. Any number is the score of some place.
    pub fn of_score(score: f64) -> Self {
        // A processor gives 0 for what is too large for 64 bits, and wraps around what is negative.
        let bits = match score {
            _ if score >= 18_446_744_073_709_551_616.0 => 0,
            _ if score < 0.0 => score as i64 as u64,
            _ => score as u64,
        };
        let area = Cell { bits, steps: STEPS_MAX }.area();
        let middle = |span: Span, most: Span| ((span.min + span.max) / 2.0).clamp(most.min, most.max);
        Self { lon: middle(area.lon, LON), lat: middle(area.lat, LAT) }
    }

    /// The standard geohash: eleven letters, the last of which always is 0, since 52 bits are ten letters and a bit.
    pub fn geohash(self) -> [u8; 11] {
        const LETTERS: &[u8; 32] = b"0123456789bcdefghjkmnpqrstuvwxyz";
        let bits = interleave(WHOLE_LAT.part(self.lat, STEPS_MAX), LON.part(self.lon, STEPS_MAX));
        let mut text = [LETTERS[0]; 11];
        for (n, letter) in text[..10].iter_mut().enumerate() {
            *letter = LETTERS[(bits >> (47 - 5 * n)) as usize & 31];
        }
        text
    }
}

impl Cell {
    /// The cell that holds a place.
    pub fn around(place: Place, steps: u32) -> Self {
        let bits = interleave(LAT.part(place.lat, steps), LON.part(place.lon, steps));
        Self { bits, steps }
    }

    /// Its edges.
    pub fn area(self) -> Area {
        let (lat, lon) = (even_bits(self.bits), even_bits(self.bits >> 1));
        let span = |most: Span, part: u32| Span {
            min: most.edge(part, self.steps),
            max: most.edge(part.wrapping_add(1), self.steps),
        };
        Area { lon: span(LON, lon), lat: span(LAT, lat) }
    }

    /// The cell so many cells east and north of it; round the earth, and over a pole to the other one.
    pub fn moved(self, east: i8, north: i8) -> Self {
        let mask = u64::MAX >> (64 - 2 * self.steps);
        let (lons, lats) = (0xAAAA_AAAA_AAAA_AAAA & mask, 0x5555_5555_5555_5555 & mask);
        let step = |all: u64, others: u64, unit: u64, by: i8| match by {
            0 => self.bits & all,
            // Ones between the bits carry; zeros borrow.
            1.. => ((self.bits & all) | others).wrapping_add(unit) & all,
            _ => (self.bits & all).wrapping_sub(unit) & all,
        };
        // A coordinate that is not moved keeps what lies beyond the cell's own bits.
        let beyond = |all: u64, by: i8| if by == 0 { self.bits & !mask & all } else { 0 };
        let kept = beyond(0xAAAA_AAAA_AAAA_AAAA, east) | beyond(0x5555_5555_5555_5555, north);
        Self { bits: step(lons, lats, 2, east) | step(lats, lons, 1, north) | kept, steps: self.steps }
    }

    /// The scores of the places in it: the first, and the first behind the last.
    pub fn scores(self) -> (f64, f64) {
        let shift = 2 * (STEPS_MAX - self.steps);
        ((self.bits << shift) as f64, ((self.bits + 1) << shift) as f64)
    }
}

/// The bits of two numbers in turn, those of `low` in the lower places.
fn interleave(low: u32, high: u32) -> u64 {
    spread(low) | spread(high) << 1
}

/// A zero bit before each bit.
fn spread(part: u32) -> u64 {
    let mut bits = u64::from(part);
    for (shift, mask) in [
        (16, 0x0000_FFFF_0000_FFFF),
        (8, 0x00FF_00FF_00FF_00FF),
        (4, 0x0F0F_0F0F_0F0F_0F0F),
        (2, 0x3333_3333_3333_3333),
        (1, 0x5555_5555_5555_5555),
    ] {
        bits = (bits | bits << shift) & mask;
    }
    bits
}

/// Every other bit, from the lowest on.
fn even_bits(bits: u64) -> u32 {
    let mut bits = bits & 0x5555_5555_5555_5555;
    for (shift, mask) in [
        (1, 0x3333_3333_3333_3333),
        (2, 0x0F0F_0F0F_0F0F_0F0F),
        (4, 0x00FF_00FF_00FF_00FF),
        (8, 0x0000_FFFF_0000_FFFF),
        (16, 0x0000_0000_FFFF_FFFF),
    ] {
        bits = (bits | bits >> shift) & mask;
    }
    bits as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PALERMO: Place = Place { lon: 13.361389, lat: 38.115556 };

    #[test]
    fn scores_and_hashes_are_those_of_a_server() {
        assert_eq!(PALERMO.score(), 3_479_099_956_230_698);
        let decoded = Place::of_score(3_479_099_956_230_698.0);
        assert_eq!(decoded, Place { lon: 13.361389338970184, lat: 38.1155563954963 });
        assert_eq!(&decoded.geohash(), b"sqc8b49rny0");
    }

    #[test]
    fn any_score_is_a_place() {
        for score in
            [0.0, -0.0, -1.0, 1e300, -1e300, f64::INFINITY, f64::NEG_INFINITY, 0.5, 1.8e19, 9.3e18, 5e-324]
        {
            assert!(Place::of_score(score).is_valid(), "{score}");
            Place::of_score(score).geohash();
        }
        for lon in [LON.min, LON.max] {
            for lat in [LAT.min, LAT.max] {
                let place = Place { lon, lat };
                assert!(Place::of_score(place.score() as f64).is_valid());
                for steps in 1..=STEPS_MAX {
                    let cell = Cell::around(place, steps);
                    for (east, north) in [(0, 1), (1, 0), (0, -1), (-1, 0), (1, 1), (-1, -1)] {
                        cell.moved(east, north).scores();
                    }
                }
            }
        }
    }

    proptest! {
        #[test]
        fn a_place_comes_back_and_lies_in_its_cells(lon in -180.0..180.0, lat in -85.0..85.0, steps in 1u32..=26) {
            let place = Place { lon, lat };
            let back = Place::of_score(place.score() as f64);
            prop_assert!((back.lon - lon).abs() < 6e-6 && (back.lat - lat).abs() < 3e-6);
            let cell = Cell::around(place, steps);
            let (first, end) = cell.scores();
            prop_assert!((first..end).contains(&(place.score() as f64)));
            let area = cell.area();
            prop_assert!(area.lon.contains(lon) && area.lat.contains(lat));
        }

        #[test]
        fn neighbours_touch(lon in -177.0..177.0, lat in -83.0..83.0, steps in 8u32..=26) {
            let cell = Cell::around(Place { lon, lat }, steps);
            prop_assert_eq!(cell.moved(1, 0).area().lon.min, cell.area().lon.max);
            prop_assert_eq!(cell.moved(0, -1).area().lat.max, cell.area().lat.min);
            prop_assert_eq!(cell.moved(1, 1).moved(-1, -1), cell);
            prop_assert_eq!(cell.moved(-1, 0).moved(0, 1), cell.moved(-1, 1));
        }
    }
}
