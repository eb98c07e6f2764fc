//! What the tests of Omni Market share; the tests themselves are in `tests/tests`, and nothing
//! here reaches the product.
