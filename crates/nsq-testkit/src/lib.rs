//! Fakes and scripted peers for tests.
