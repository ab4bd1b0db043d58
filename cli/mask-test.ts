// `sallyport mask test`: a file of objects, or of text, as a caller would see it through a gateway, and what was masked in
// it. The rules, detectors and encodings are the gateway's own; the key of the sentinels is not.

import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Argv } from 'yargs'
import type { Masked } from '../gateway/mask/masked.ts'
import type { Masking } from '../gateway/mask/masking.ts'
import type { Principal } from '../gateway/principal.ts'
import type { RequestAttributes } from '../gateway/request-attributes.ts'
import { PeerError } from '../protocols/errors.ts'
import type { TextMasker } from '../protocols/kube/text-masker.ts'
import { printable, printableJson } from '../replay/printable.ts'
import { CommandFailed, EXIT, EXIT_CODES_HELP } from './exit-codes.ts'
import type { Io } from './io.ts'
import type { FilePart } from './mask-file.ts'
import { loaded } from './policy-problems.ts'
import type { Program } from './program.ts'
import { table } from './table.ts'

/** A caller whom no rule names. */
const SOMEBODY = '(somebody)'

interface Options {
  readonly file: string
  readonly config: string | undefined
  readonly cluster: string | undefined
  readonly learn: readonly string[]
  readonly text: boolean
  readonly terminal: boolean
  readonly tape: boolean
  readonly json: boolean
}

export function maskTest<T>(yargs: Argv<T>, program: Program) {
  return yargs.command(
    'test <file>',
    'Show a file as a caller would see it, and what was masked in it',
    (command) =>
      command
        .positional('file', {
          type: 'string',
          demandOption: true,
          describe: 'Objects in YAML or JSON, as kubectl prints or takes them; "-" for standard input',
        })
        .option('config', {
          type: 'string',
          requiresArg: true,
          describe: "The gateway's configuration; without it the built-in rules and detectors",
        })
        .option('as', {
          alias: 'as-user',
          type: 'string',
          requiresArg: true,
          describe: 'Who looks, with the prefix: oidc:alice',
        })
        .option('group', {
          alias: 'as-group',
          type: 'string',
          array: true,
          nargs: 1,
          default: [],
          describe: 'A group of theirs; may be given again',
        })
        .option('actor', {
          alias: 'as-actor',
          type: 'string',
          default: '',
          requiresArg: true,
          describe: 'The agent acting for them',
        })
        .option('cluster', { type: 'string', requiresArg: true, describe: "The cluster; the configuration's first" })
        .group(['as', 'group', 'actor', 'cluster'], 'Who looks, and where:')
        .option('text', { type: 'boolean', default: false, describe: 'The file is a log or other text' })
        .option('terminal', { type: 'boolean', default: false, describe: 'The file is what went to a terminal' })
        .option('learn', {
          type: 'string',
          array: true,
          nargs: 1,
          default: [],
          describe: 'A file of objects whose masked values are learned before; may be given again',
        })
        .option('tape', { type: 'boolean', default: false, describe: 'Show what the tape holds' })
        .option('json', {
          type: 'boolean',
          default: false,
          describe: 'Print what was masked as JSON, one object a line, instead of the file',
        })
        .example('kubectl get secrets,pods -o yaml | $0 mask test - --as oidc:ann', 'As Ann would see them')
        .example('$0 mask test app.log --text --learn secrets.yaml', 'A log, with the values of Secrets')
        .epilogue('The file goes to stdout, what was masked in it to stderr: rules, fields and counts, never values.')
        .epilogue(EXIT_CODES_HELP),
    (argv) =>
      program.run((io) => {
        const { as: user = SOMEBODY, group: groups, actor } = argv
        const principal = { user, groups, actor, issuer: '', expiresAt: Number.POSITIVE_INFINITY }
        // yargs makes nothing of a lone "-".
        return test({ ...argv, file: argv.file === '' ? '-' : argv.file }, principal, io)
      }),
  )
}

/** What was masked in one object of the file, or in its text. */
interface Shown {
  readonly title: string
  readonly masked: readonly Masked[]
}

async function test(options: Options, principal: Principal, io: Io): Promise<number> {
  if (options.text && options.terminal) throw new CommandFailed('choose one of --text and --terminal', EXIT.USAGE)
  const { masking, cluster } = await maskingFor(options)
  const content = contentOf(options.file)
  for (const file of options.learn) await objects(masking, cluster, principal, contentOf(file), file, options)
  const isText = options.text || options.terminal
  // A gateway may have seen the last object of the file first.
  if (!isText) await objects(masking, cluster, principal, content, options.file, options)
  const { bytes, shown } = isText
    ? await text(masking, principal, content, options)
    : await objects(masking, cluster, principal, content, options.file, options)
  if (options.json) {
    for (const { title, masked } of shown) await io.out(`${printableJson({ object: title, masked })}\n`)
    return EXIT.OK
  }
  await io.out(bytes.toString('utf8'))
  io.err(summary(shown, options))
  return EXIT.OK
}

async function maskingFor({ config, cluster }: Options): Promise<{ masking: Masking; cluster: string }> {
  const { maskingOf, nothingLearned } = await import('../gateway/mask/compose.ts')
  const { maskingDocument } = await import('../gateway/mask/document.ts')
  const key = randomBytes(32)
  if (config === undefined) {
    return { masking: maskingOf(maskingDocument.parse({}), key, nothingLearned()), cluster: cluster ?? '' }
  }
  const { readConfig } = await import('../gateway/config.ts')
  const { clusters, masking } = await loaded(() => readConfig(config), 'the configuration cannot be used')
  const names = clusters.map(({ name }) => name)
  if (cluster !== undefined && !names.includes(cluster)) {
    const message = `the configuration has no cluster "${cluster}"; it has ${names.join(', ')}`
    throw new CommandFailed(printable(message), EXIT.USAGE)
  }
  return { masking: maskingOf(masking, key, nothingLearned()), cluster: cluster ?? (names[0] as string) }
}

function contentOf(file: string): Buffer {
  try {
    return readFileSync(file === '-' ? 0 : file)
  } catch (error) {
    throw new CommandFailed(printable(`${file} cannot be read (${(error as NodeJS.ErrnoException).code})`))
  }
}

async function objects(
  masking: Masking,
  cluster: string,
  principal: Principal,
  content: Buffer,
  file: string,
  { tape }: Options,
): Promise<{ readonly bytes: Buffer; readonly shown: readonly Shown[] }> {
  const { piecesOf } = await import('./mask-file.ts')
  const shown: Shown[] = []
  const out: Uint8Array[] = []
  for (const piece of piecesOf(content, file)) {
    if (!('title' in piece)) {
      out.push(piece)
      continue
    }
    try {
      const { bytes, masked } = maskedPart(masking, cluster, principal, piece, tape)
      out.push(bytes)
      shown.push({ title: piece.title, masked })
    } catch (error) {
      if (!(error instanceof PeerError)) throw error
      const why = `${piece.title} cannot be masked, so a gateway would not pass it on: ${error.message}`
      throw new CommandFailed(printable(`${file}: ${why}`))
    }
  }
  return { bytes: Buffer.concat(out), shown }
}

/** One answer, through all that an answer of a cluster goes through. Throws PeerError. */
function maskedPart(
  masking: Masking,
  cluster: string,
  principal: Principal,
  { attributes, mediaType, bytes, indent, title }: FilePart,
  tape: boolean,
): { readonly bytes: Uint8Array; readonly masked: readonly Masked[] } {
  const answer = masking.of(cluster, principal, attributes).answer(200, ['Content-Type', mediaType])
  if ('status' in answer) throw new CommandFailed(printable(`${title}: ${answer.message}`))
  const form = tape ? 'taped' : 'passed'
  const first = new Uint8Array(answer.receive(Buffer.concat([Buffer.alloc(indent, ' '), bytes]))[form])
  const whole = Buffer.concat([first, answer.end()[form]])
  return { bytes: whole.subarray(indent), masked: tape ? answer.masked() : answer.maskedForCaller() }
}

/** A log, of which no field is masked. */
const LOG = '/api/v1/namespaces/default/pods/unnamed/log'

async function text(
  masking: Masking,
  principal: Principal,
  content: Buffer,
  { terminal, tape, file }: Options,
): Promise<{ readonly bytes: Buffer; readonly shown: readonly Shown[] }> {
  const { requestInfo } = await import('../gateway/request-info.ts')
  const attributes = requestInfo('GET', LOG, undefined) as RequestAttributes
  const mask = masking.of('', principal, attributes).stream()
  if (mask.isExempt && !tape) return { bytes: content, shown: [{ title: file, masked: [] }] }
  const masker: TextMasker = mask.masker({ terminal })
  const first = new Uint8Array(masker.receive(content).masked)
  const bytes = Buffer.concat([first, masker.end().masked])
  const taken = masker.taken()
  const masked = taken === undefined ? [] : [{ rule: taken.rules, fields: 'text', count: taken.count }]
  return { bytes, shown: [{ title: file, masked }] }
}

const COLUMNS = [
  { title: 'OBJECT' },
  { title: 'RULE' },
  { title: 'FIELDS', elastic: true },
  { title: 'VALUES', right: true },
] as const

function summary(shown: readonly Shown[], { tape }: Options): string {
  const rows = shown.flatMap(({ title, masked }) =>
    masked.map(({ rule, fields, count }) => [title, rule, fields, String(count)]),
  )
  if (rows.length === 0) return `Nothing is masked${tape ? ' on the tape' : ' for this caller'}.\n`
  const key = "The key of this run's masks is thrown away: a gateway's own masks look different.\n"
  return table(COLUMNS, rows) + key
}
