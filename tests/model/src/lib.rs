//! Holds nothing: the tests beside it are a package of their own, so that only they build the engine with the feature
//! `model`, by which its locks and atomics are those of a model checker.
