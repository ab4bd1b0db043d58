// `sallyport tapes originals`: what was masked on a tape, as it was, for auditors: files for `age -d`, or, with an identity
// that they give, the bytes themselves. Nothing of it is printed.

import { mkdirSync, readFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import type { Argv } from 'yargs'
import type { OriginalBody } from '../protocols/tape/entry.ts'
import { printable, printableJson } from '../replay/printable.ts'
import { decoded, type Tapes } from '../replay/tapes.ts'
import { CommandFailed, EXIT } from './exit-codes.ts'
import type { Io } from './io.ts'
import type { Program } from './program.ts'
import { withSource } from './source-options.ts'
import { tapeId } from './tape-id.ts'

interface Options {
  readonly output: string
  readonly identity: string | undefined
  readonly force: boolean
  readonly json: boolean
}

export function tapesOriginals<T>(yargs: Argv<T>, program: Program) {
  return yargs.command(
    'originals <id>',
    'Take what was masked off a tape, as it was, for those who have the key',
    (command) =>
      withSource(command)
        .positional('id', { type: 'string', demandOption: true, describe: 'The tape, or "last" for the newest' })
        .option('output', {
          alias: 'o',
          type: 'string',
          demandOption: true,
          requiresArg: true,
          describe: 'The directory for the files',
        })
        .option('identity', {
          alias: 'i',
          type: 'string',
          requiresArg: true,
          describe: 'A file with AGE-SECRET-KEY-1...: decrypt',
        })
        .option('force', { type: 'boolean', default: false, describe: 'Write over files that are there' })
        .describe('json', 'Print what was written as JSON, one object a file')
        .example('$0 tapes originals last -o masked', 'Then: age -d -i key.txt masked/0007-exchange-1-response.age')
        .example('$0 tapes originals last -o masked -i key.txt', 'Decrypted, on a machine that may have the key')
        .epilogue('A gateway keeps originals where masking.originals names recipients; it cannot read them itself.'),
    (argv) =>
      program.runWithTapes(argv, async (tapes, io) =>
        originals(tapes, await tapeId(tapes, argv.id), { ...argv, json: argv.json }, io),
      ),
  )
}

async function originals(tapes: Tapes, id: string, options: Options, io: Io): Promise<number> {
  const decrypt = options.identity === undefined ? undefined : await decryption(options.identity)
  mkdirSync(options.output, { recursive: true, mode: 0o700 })
  let count = 0
  for await (const { seq, kind, body } of decoded(tapes.entries(id))) {
    if (kind !== 'original') continue
    const bytes = decrypt === undefined ? body.bytes : await decrypt(body.bytes, seq)
    const file = join(options.output, `${nameOf(seq, body)}${decrypt === undefined ? '.age' : ''}`)
    await write(file, bytes, options.force)
    count += 1
    const { of, exchange, channel, at, length } = body
    if (options.json) await io.out(`${printableJson({ tape: id, seq, of, exchange, channel, at, length, file })}\n`)
  }
  if (options.json) return EXIT.OK
  if (count === 0) io.err(`${id}: no originals are kept on this tape\n`)
  else io.err(printable(`${id}: ${count} ${count === 1 ? 'file' : 'files'} written to ${options.output}`).concat('\n'))
  return EXIT.OK
}

const PARTS = { requestBody: 'request', responseBody: 'response', stream: 'stream' } as const

/** Sorted as the tape is: "0007-exchange-1-response", "0012-channel-1-at-4096". */
function nameOf(seq: number, { of, exchange, channel, at }: OriginalBody): string {
  const about = of === 'stream' ? `channel-${channel}` : `exchange-${exchange}-${PARTS[of]}`
  return `${String(seq).padStart(4, '0')}-${about}${at === 0 ? '' : `-at-${at}`}`
}

type Decrypt = (file: Uint8Array, seq: number) => Promise<Uint8Array>

async function decryption(path: string): Promise<Decrypt> {
  const { Decrypter } = await import('age-encryption')
  const decrypter = new Decrypter()
  let keys = 0
  for (const line of textOf(path).split('\n')) {
    const key = line.trim()
    if (key === '' || key.startsWith('#')) continue
    keys += 1
    try {
      decrypter.addIdentity(key)
    } catch {
      throw new CommandFailed(printable(`${path} holds a line that is no age identity (AGE-SECRET-KEY-1...)`))
    }
  }
  if (keys === 0) throw new CommandFailed(printable(`${path} holds no age identity (AGE-SECRET-KEY-1...)`))
  return async (file, seq) => {
    try {
      return await decrypter.decrypt(file)
    } catch {
      throw new CommandFailed(
        printable(`entry ${seq} cannot be decrypted with ${path}: it is for another key, or damaged`),
      )
    }
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new CommandFailed(printable(`${path} cannot be read (${(error as NodeJS.ErrnoException).code})`))
  }
}

async function write(path: string, bytes: Uint8Array, force: boolean): Promise<void> {
  const file = await open(path, force ? 'w' : 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    const fix = error.code === 'EEXIST' ? 'is there already; add --force' : `cannot be written (${error.code})`
    throw new CommandFailed(printable(`${path} ${fix}`))
  })
  try {
    await file.writeFile(bytes)
  } finally {
    await file.close()
  }
}
