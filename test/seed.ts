// Loaded before every test file: properties run the same cases each time, so that a red run means a changed tree. Other
// cases are tried by hand with FAST_CHECK_SEED=N; what they find becomes an example of its own.

import fc from 'fast-check'

const DEFAULT_SEED = 20_261_123

fc.configureGlobal({ seed: Number(process.env.FAST_CHECK_SEED ?? DEFAULT_SEED) })
