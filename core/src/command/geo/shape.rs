//! Shapes on the earth, which is a ball here: what lies in them, and which cells cover them.
//!
//! A search looks at the cell of the shape's middle and at its eight neighbours, halved as often as still covers the
//! shape. The order of the cells is that of the results when nobody asks for another. Computed as Redis computes, so
//! that sums round the same way.

use crate::encoding::geohash::{Area, Cell, LAT, LON, Place, STEPS_MAX, Span};

/// Meters.
const EARTH_RADIUS: f64 = 6_372_797.560_856;
/// Half the length of the equator on a web map, in meters.
const HALF_EQUATOR: f64 = 20_037_726.37;
const RADIANS: f64 = std::f64::consts::PI / 180.0;

/// Where to search.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shape {
    /// Its middle.
    pub(super) center: Place,
    /// Its form.
    pub(super) form: Form,
    /// Meters of the unit its measures are given in.
    pub(super) unit: f64,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Form {
    Circle {
        radius: f64,
    },
    Box {
        width: f64,
        height: f64,
    },
    /// At least three corners, not on a pole.
    Polygon(Vec<Place>),
}

/// The distance of two places in meters, along a great circle.
pub(super) fn distance(one: Place, two: Place) -> f64 {
    let half_lon = ((two.lon * RADIANS - one.lon * RADIANS) / 2.0).sin();
    if half_lon == 0.0 {
        return distance_north(one.lat, two.lat);
    }
    let (lat1, lat2) = (one.lat * RADIANS, two.lat * RADIANS);
    let half_lat = ((lat2 - lat1) / 2.0).sin();
    let a = half_lat * half_lat + lat1.cos() * lat2.cos() * half_lon * half_lon;
    // Rounding must not take it out of what has an arc sine.
    2.0 * EARTH_RADIUS * a.sqrt().min(1.0).asin()
}

/// The distance of two latitudes.
fn distance_north(one: f64, two: f64) -> f64 {
    EARTH_RADIUS * (two * RADIANS - one * RADIANS).abs()
}

impl Shape {
    /// A polygon; its middle is that of its corners on the ball.
    pub(super) fn polygon(corners: Vec<Place>) -> Self {
        let (mut x, mut y, mut z) = (0.0, 0.0, 0.0);
        for corner in &corners {
            let (lon, lat) = (corner.lon * RADIANS, corner.lat * RADIANS);
            x += lat.cos() * lon.cos();
            y += lat.cos() * lon.sin();
            z += lat.sin();
        }
        let lon = y.atan2(x) / RADIANS;
        let lat = z.atan2((x * x + y * y).sqrt()) / RADIANS;
        // Around a pole the middle is where no place can be.
        let center = Place { lon: lon.clamp(LON.min, LON.max), lat: lat.clamp(LAT.min, LAT.max) };
        Self { center, form: Form::Polygon(corners), unit: 1.0 }
    }

    /// The distance of a place from the middle in meters, if it lies in the shape.
    pub(super) fn distance_within(&self, place: Place) -> Option<f64> {
        let center = self.center;
        match &self.form {
            Form::Circle { radius } => {
                let distance = distance(center, place);
                (distance <= radius * self.unit).then_some(distance)
            }
            Form::Box { width, height } => {
                let beside = Place { lon: center.lon, lat: place.lat };
                let inside = distance_north(place.lat, center.lat) <= height * self.unit / 2.0
                    && distance(place, beside) <= width * self.unit / 2.0;
                inside.then(|| distance(center, place))
            }
            Form::Polygon(corners) => is_inside(corners, place).then(|| distance(center, place)),
        }
    }

    /// West, east, south and north of the shape.
    fn bounds(&self) -> Area {
        let (width, height) = match &self.form {
            Form::Circle { radius } => (self.unit * radius, self.unit * radius),
            Form::Box { width, height } => (self.unit * width / 2.0, self.unit * height / 2.0),
            Form::Polygon(corners) => {
                let span = |most: Span, of: fn(&Place) -> f64| {
                    let min = corners.iter().map(of).fold(most.max, f64::min);
                    Span { min, max: corners.iter().map(of).fold(most.min, f64::max) }
                };
                return Area { lon: span(LON, |corner| corner.lon), lat: span(LAT, |corner| corner.lat) };
            }
        };
        let Place { lon, lat } = self.center;
        let lat_delta = height / EARTH_RADIUS / RADIANS;
        // A degree of longitude is shortest on the side of the pole.
        let lat_far = if lat < 0.0 { lat - lat_delta } else { lat + lat_delta };
        let lon_delta = width / EARTH_RADIUS / (lat_far * RADIANS).cos() / RADIANS;
        Area {
            lon: Span { min: lon - lon_delta, max: lon + lon_delta },
            lat: Span { min: lat - lat_delta, max: lat + lat_delta },
        }
    }

    /// Meters from the middle to the farthest point of the shape, or more.
    fn reach(&self, bounds: &Area) -> f64 {
        match &self.form {
            Form::Circle { radius } => radius * self.unit,
            Form::Box { width, height } => {
                let (x, y) = (width / 2.0, height / 2.0);
                (x * x + y * y).sqrt() * self.unit
            }
            Form::Polygon(_) => {
                let corner = |lon, lat| distance(self.center, Place { lon, lat });
                let (west, east) = (bounds.lon.min, bounds.lon.max);
                let (south, north) = (bounds.lat.min, bounds.lat.max);
                [corner(west, north), corner(east, north), corner(west, south), corner(east, south)]
                    .into_iter()
                    .fold(0.0, f64::max)
            }
        }
    }

    /// The cells to look at, in Redis's order.
    pub(super) fn cells(&self) -> Vec<Cell> {
        let bounds = self.bounds();
        let mut steps = steps_for(self.reach(&bounds), self.center.lat);
        let mut middle = Cell::around(self.center, steps);
        // Near a cell's edge its neighbours may not reach far enough: then twice as large ones do.
        let short = middle.moved(0, 1).area().lat.max < bounds.lat.max
            || middle.moved(0, -1).area().lat.min > bounds.lat.min
            || middle.moved(1, 0).area().lon.max < bounds.lon.max
            || middle.moved(-1, 0).area().lon.min > bounds.lon.min;
        if steps > 1 && short {
            steps -= 1;
            middle = Cell::around(self.center, steps);
        }
        let area = middle.area();
        let idle = |edge: bool| steps >= 2 && edge;
        let no_south = idle(area.lat.min < bounds.lat.min);
        let no_north = idle(area.lat.max > bounds.lat.max);
        let no_west = idle(area.lon.min < bounds.lon.min);
        let no_east = idle(area.lon.max > bounds.lon.max);
        const AROUND: [(i8, i8); 9] =
            [(0, 0), (0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, 1), (1, -1), (-1, -1)];
        let mut cells: Vec<Cell> = Vec::with_capacity(9);
        // Of few cells several are the same: as in Redis, one is left out when it was the last, unless that is the middle.
        let mut last = None;
        for (east, north) in AROUND {
            let is_idle =
                north < 0 && no_south || north > 0 && no_north || east < 0 && no_west || east > 0 && no_east;
            let cell = middle.moved(east, north);
            if is_idle || last == Some(cell) {
                continue;
            }
            if (east, north) != (0, 0) {
                last = Some(cell);
            }
            cells.push(cell);
        }
        cells
    }
}

/// How often to halve so that nine cells cover a circle.
fn steps_for(mut meters: f64, lat: f64) -> u32 {
    if meters == 0.0 {
        return STEPS_MAX;
    }
    let mut steps = 1i32;
    while meters < HALF_EQUATOR {
        meters *= 2.0;
        steps += 1;
    }
    // Cells are narrower towards the poles.
    let narrow = i32::from(lat.abs() > 66.0) + i32::from(lat.abs() > 80.0);
    (steps - 2 - narrow).clamp(1, STEPS_MAX as i32) as u32
}

/// Whether a ray from the place crosses the polygon's edges an odd number of times.
fn is_inside(corners: &[Place], at: Place) -> bool {
    let Some(mut before) = corners.last() else { return false };
    let mut inside = false;
    for corner in corners {
        let crosses = (corner.lat > at.lat) != (before.lat > at.lat)
            && at.lon
                < (before.lon - corner.lon) * (at.lat - corner.lat) / (before.lat - corner.lat) + corner.lon;
        inside ^= crosses;
        before = corner;
    }
    inside
}
