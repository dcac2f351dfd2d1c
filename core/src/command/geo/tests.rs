use crate::command::testing::Bench;

const WRONG: &str = "WRONGTYPE Operation against a key holding the wrong kind of value";
const SYNTAX: &str = "ERR syntax error";

fn sicily() -> Bench {
    let mut bench = Bench::new(&[]);
    bench.expect(&[
        ("GEOADD s 13.361389 38.115556 Palermo 15.087269 37.502669 Catania", "2"),
        ("GEOADD s nx 13.583333 37.316667 Agrigento", "1"),
    ]);
    bench.logged();
    bench
}

#[test]
fn adding() {
    let mut bench = sicily();
    bench.expect(&[
        ("ZSCORE s Palermo", "3479099956230698"),
        ("GEOADD s CH 13.361389 38.115556 Palermo 1 2 new 3 4 Catania", "2"),
        ("GEOADD s XX 5 6 other", "0"),
        ("GEOADD s NX 5 6 Palermo", "0"),
        ("GEOADD none XX CH 5 6 a", "0"),
        ("EXISTS none", "0"),
        ("GEOADD s NX XX 1 2 a", SYNTAX),
        ("GEOADD s 1 2 a 3", SYNTAX),
        ("GEOADD s NX CH NX", SYNTAX),
        ("GEOADD s 1 x a", "ERR value is not a valid float"),
        ("GEOADD s 180.5 2 a", "ERR invalid longitude,latitude pair 180.500000,2.000000"),
        ("GEOADD s 1 2 a 1 -86 b", "ERR invalid longitude,latitude pair 1.000000,-86.000000"),
        ("GEOADD s 1 inf a", "ERR invalid longitude,latitude pair 1.000000,inf"),
        ("SET str x", "OK"),
        ("GEOADD str 1 2 a", WRONG),
    ]);
    assert_eq!(
        bench.logged(),
        ["ZADD s CH 3479099956230698 Palermo 3378080408407459 new 3379626039612548 Catania", "SET str x"]
    );
}

#[test]
fn looking_up() {
    let mut bench = sicily();
    bench.expect(&[
        ("GEODIST s Palermo Catania", "166274.1516"),
        ("GEODIST s Palermo Catania km", "166.2742"),
        ("GEODIST s Palermo Catania MI", "103.3182"),
        ("GEODIST s Palermo Palermo", "0.0000"),
        ("GEODIST s Palermo nope", "nil"),
        ("GEODIST nope a b", "nil"),
        ("GEODIST nope a b x", "ERR unsupported unit provided. please use M, KM, FT, MI"),
        ("GEODIST s Palermo Catania m m", SYNTAX),
        ("GEOPOS s Palermo nope", "[[13.36138933897018433 38.11555639549629859] nil]"),
        ("GEOPOS nope a", "[nil]"),
        ("GEOPOS s", "[]"),
        ("GEOHASH s Palermo Catania nope", "[sqc8b49rny0 sqdtr74hyu0 nil]"),
        ("GEOADD z 0 0 zero", "1"),
        ("GEOPOS z zero", "[[0.00000268220901489 0.00000126736058093]]"),
        ("ZADD odd -5 a inf b 1e300 c", "3"),
        ("GEOHASH odd a b c", ""),
        ("GEOSEARCH odd FROMLONLAT 0 0 BYRADIUS 30000 km ASC", ""),
    ]);
    bench.resp3(true);
    bench.expect(&[
        ("GEOPOS s Palermo", "[[13.361389338970184 38.1155563954963]]"),
        ("GEODIST s Palermo Catania", "166274.1516"),
    ]);
}

#[test]
fn searching() {
    let mut bench = sicily();
    bench.expect(&[
        ("GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 200 km ASC", "[Catania Agrigento Palermo]"),
        ("GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 200 km DESC COUNT 2", "[Palermo Agrigento]"),
        ("GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 200 km COUNT 1", "[Catania]"),
        (
            "GEOSEARCH s FROMLONLAT 15 37 BYBOX 400 400 km ASC WITHDIST",
            "[[Catania 56.4413] [Agrigento 130.4235] [Palermo 190.4424]]",
        ),
        ("GEOSEARCH s FROMMEMBER Palermo BYBOX 1 1 m", "[Palermo]"),
        ("GEOSEARCH s FROMMEMBER Palermo BYRADIUS 0 m WITHHASH", "[[Palermo 3479099956230698]]"),
        ("GEOSEARCH s BYPOLYGON 3 13 38 14 38 13.5 39 WITHDIST", "[[Palermo 27152.0923]]"),
        ("GEOSEARCH s BYPOLYGON 3 13 38 14 38 13.5 38.01", "[]"),
        ("GEOSEARCH nope FROMMEMBER a BYRADIUS 1 km", "[]"),
        ("GEORADIUS s 15 37 100 km WITHDIST WITHHASH", "[[Catania 56.4413 3479447370796909]]"),
        ("GEORADIUSBYMEMBER s Agrigento 100 km", "[Agrigento Palermo]"),
        ("GEORADIUSBYMEMBER_RO s Agrigento 100 km DESC", "[Palermo Agrigento]"),
        ("GEORADIUSBYMEMBER nope a x parsec", "[]"),
        ("GEORADIUS_RO s 15 37 100 km", "[Catania]"),
    ]);
    assert!(bench.run("GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 200 km COUNT 2 ANY").split(' ').count() == 2);
}

#[test]
fn storing() {
    let mut bench = sicily();
    bench.expect(&[
        ("GEOSEARCHSTORE d s FROMLONLAT 15 37 BYRADIUS 200 km ASC COUNT 2", "2"),
        ("ZRANGE d 0 -1 WITHSCORES", "[Agrigento 3479030013248308 Catania 3479447370796909]"),
        ("GEOSEARCHSTORE d s FROMLONLAT 15 37 BYRADIUS 60 km STOREDIST", "1"),
        ("ZRANGE d 0 -1 WITHSCORES", "[Catania 56.4412578701582]"),
        ("GEORADIUS s 15 37 1 km STORE d", "0"),
        ("EXISTS d", "0"),
        ("GEORADIUS s 15 37 100 km STOREDIST x STORE d", "1"),
        ("EXISTS x d", "1"),
        ("GEORADIUSBYMEMBER nope a 1 km STORE d", "0"),
        ("EXISTS d", "0"),
        ("GEORADIUSBYMEMBER s Palermo 1 km STORE s", "1"),
        ("ZCARD s", "1"),
        ("GEOSEARCHSTORE e s BYPOLYGON 3 13 38 14 38 13.5 39", "1"),
        ("GEORADIUS s 0x10 38 0x10p4 km STORE e", "1"),
        ("COMMAND GETKEYS GEORADIUS s 1 2 3 km COUNT 5 storedist d", "[s d]"),
        ("COMMAND GETKEYS GEORADIUSBYMEMBER s m 3 km STORE a STORE b", "[s b]"),
    ]);
    let logged = bench.logged();
    assert_eq!(logged[0], "GEOSEARCHSTORE d s FROMLONLAT 15 37 BYRADIUS 200 km ASC COUNT 2");
    let outcome = ["DEL e", "ZADD e 3479099956230698 Palermo"];
    assert_eq!(logged[logged.len() - 4..], [outcome, outcome].concat());
}

#[test]
fn mistakes() {
    let mut bench = sicily();
    let unit = "ERR unsupported unit provided. please use M, KM, FT, MI";
    bench.expect(&[
        ("SET str x", "OK"),
        ("GEOSEARCH str FROMLONLAT x y BYRADIUS 1 km", WRONG),
        ("GEORADIUS s 15 37 -1 km", "ERR radius cannot be negative"),
        ("GEORADIUS s 15 37 x km", "ERR need numeric radius"),
        ("GEORADIUS s 15 37 1 x", unit),
        ("GEORADIUS_RO s 15 37 1 km STORE d", SYNTAX),
        ("GEORADIUSBYMEMBER s nope 1 km", "ERR could not decode requested zset member"),
        ("GEOSEARCH s FROMLONLAT 15 37 BYBOX 1 x km", "ERR need numeric height"),
        ("GEOSEARCH s FROMLONLAT 15 37 BYBOX x 1 km", "ERR need numeric width"),
        ("GEOSEARCH s FROMLONLAT 15 37 BYBOX 1 -1 km", "ERR height or width cannot be negative"),
        ("GEOSEARCH s FROMLONLAT 15 37 FROMMEMBER Palermo BYBOX 1 1 km", SYNTAX),
        ("GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 1 km BYBOX 1 1 km", SYNTAX),
        ("GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 1 km COUNT 0", "ERR COUNT must be > 0"),
        ("GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 1 km COUNT", SYNTAX),
        ("GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 1 km ANY", "ERR the ANY argument requires COUNT argument"),
        ("GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 1 km STOREDIST", SYNTAX),
        (
            "GeoSearch s FROMLONLAT 15 37 ASC ASC",
            "ERR exactly one of BYRADIUS and BYBOX can be specified for GeoSearch",
        ),
        (
            "GEOSEARCH s BYRADIUS 1 km ASC ASC",
            "ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for GEOSEARCH",
        ),
        (
            "GEOSEARCHSTORE d s FROMLONLAT 15 37 BYRADIUS 1 km WITHDIST",
            "ERR GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and WITHCOORD options",
        ),
        (
            "GEORADIUS s 15 37 1 km STORE d WITHCOORD",
            "ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORD options",
        ),
        ("GEOSEARCH s BYPOLYGON 2 1 1 2 2 3 3", "ERR GEOSEARCH BYPOLYGON must have at least 3 vertices"),
        ("GEOSEARCH s BYPOLYGON 9223372036854775807 1 1 2 2", "ERR invalid number of vertices"),
        ("GEOSEARCH s BYPOLYGON 2147483647 1 1 2 2", "ERR GEOSEARCH BYPOLYGON must have at least 3 vertices"),
        ("GEOSEARCH s BYPOLYGON 3 1 1 2 2 3 99", "ERR invalid longitude,latitude pair 3.000000,99.000000"),
        ("GEOSEARCH s BYPOLYGON 3 1 1 2 2 3 3 BYRADIUS 1 km", SYNTAX),
        ("GEOSEARCH s FROMLONLAT 1 1 BYPOLYGON 3 1 1 2 2 3 3", SYNTAX),
    ]);
}

#[test]
fn searches_round_the_earth_end() {
    let mut bench = Bench::new(&[]);
    bench.expect(&[("GEOADD w 180 85.05112878 ne -180 -85.05112878 sw 180 -85.05112878 se 0 0 zero", "4")]);
    for center in ["180 85.05112878", "-180 -85.05112878", "0 0", "179.9 0", "0 85"] {
        for shape in [
            "BYRADIUS 1 m",
            "BYRADIUS 30000 km",
            "BYRADIUS inf m",
            "BYBOX 40000 40000 km",
            "BYBOX 0 1e300 mi",
        ] {
            let found = bench.run(&format!("GEOSEARCH w FROMLONLAT {center} {shape} ASC WITHDIST"));
            assert!(found.starts_with('['), "{center} {shape}: {found}");
        }
    }
    bench.expect(&[("GEOSEARCH w FROMLONLAT 0 0 BYRADIUS 30000 km COUNT 1", "[zero]")]);
    bench.run("GEOSEARCH w BYPOLYGON 4 0 85 90 85 180 85 -90 85");
}
