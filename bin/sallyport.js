#!/usr/bin/env node
// Starts the built command line, after making sure that this Node can run it and that it was built.

const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 20)) {
  console.error(`sallyport: Node 20.20 or newer is needed, and this is ${process.versions.node}; install Node 24 LTS`)
  process.exit(1)
}

const { existsSync } = await import('node:fs')
const built = new URL('../dist/cli/main.js', import.meta.url)
if (!existsSync(built)) {
  console.error('sallyport: it is not built yet; run: npm run build')
  process.exit(1)
}

const { main } = await import(built.href)
const { processIo } = await import(new URL('../dist/cli/io.js', import.meta.url).href)
process.exitCode = await main(process.argv.slice(2), processIo())
