// Builds the lab's programs ahead of the suite, so that CI can do it in the background.

import { build } from './lab.ts'

for (const name of ['lab', 'kubectl', 'requestinfo', 'spdypeer', 'clients'] as const) build(name)
