// The `masking` part of the gateway's configuration as it is written. What no schema can say is in check.ts.

import { z } from 'zod'
import { limits } from '../../protocols/limits.ts'
import type { DeepReadonly } from '../config-file.ts'

const text = z.string().min(1, 'it must not be empty')

/** One name of one kind, with the issuer's prefix; "*" is everybody who has such a name. */
const subject = z
  .strictObject({ user: text.optional(), group: text.optional(), actor: text.optional() })
  .refine((names) => Object.keys(names).length === 1, 'write one of user, group and actor in each entry')

/** An exact name, or the beginning of names with a "*" behind it. */
const pattern = text.refine(
  (name) => !name.slice(0, -1).includes('*'),
  'write a name, or the beginning of names and "*" behind it',
)

/** The name of an environment variable, with a "*" for any beginning or end. */
const variable = z.string().regex(/^\*?[^*=\s]*\*?$/, 'write a variable\'s name, with "*" only at its beginning or end')

const some = 'leave it out to mean all'

export const maskRule = z.strictObject({
  /** Kept on the tape beside each mask. */
  name: z
    .string()
    .regex(/^[A-Za-z0-9](?:[-_A-Za-z0-9]{0,61}[A-Za-z0-9])?$/, 'letters, digits, "-" and "_", at most 63'),
  /** RESOURCE, GROUP/RESOURCE, GROUP/*, "*"; their subresources too. Absent, with `env`: all that hold pods. */
  resources: z.array(text).min(1, some).optional(),
  clusters: z.array(text).min(1, some).optional(),
  namespaces: z.array(pattern).min(1, some).optional(),
  names: z.array(pattern).min(1, some).optional(),
  /** Of the object: "app=db,tier in (a, b)", or a map of labels that must all be there. */
  labels: z
    .union([text, z.record(text, z.string())], 'write a selector such as "app=db", or a map of labels')
    .optional(),
  /** "data.password", "data['app.properties']", "spec.containers[*].image", "data.*". */
  fields: z.array(text).min(1, 'name at least one, or leave it out').optional(),
  /** Values of the environment of pods and pod templates, by the variables' names. */
  env: z.array(variable).min(1, 'name at least one, or leave it out').optional(),
  /** Whom it is masked for; absent: everybody. */
  subjects: z.array(subject).min(1, 'leave it out to mean everybody').optional(),
  /** Who sees what this rule masks. Tapes hold it masked in any case. */
  exempt: z.array(subject).default([]),
})

export const maskDetectors = z.strictObject({
  /** Detectors that are switched off, by name. */
  disabled: z.array(text).default([]),
  /** RE2 over text as it streams by, tried where one of the keywords stands, with which each match begins. */
  patterns: z
    .array(z.strictObject({ name: text, pattern: text, keywords: z.array(text).min(1, 'name at least one') }))
    .max(limits.detect.patterns, `at most ${limits.detect.patterns} patterns`)
    .default([]),
})

/** The defaults, each of which can be switched off. */
const builtin = z.strictObject({
  /** Values of Secrets. */
  secrets: z.boolean().default(true),
  /** Tokens that the API server makes and reviews. */
  tokens: z.boolean().default(true),
  /** Releases that Helm keeps in ConfigMaps. */
  helmConfigMaps: z.boolean().default(true),
})

export const maskingDocument = z.strictObject({
  /** Who sees everything as it is. Tapes hold it masked for these as well. */
  exempt: z.array(subject).default([]),
  rules: z.array(maskRule).default([]),
  builtin: builtin.prefault({}),
  detectors: maskDetectors.prefault({}),
  /** Whether a value that was masked in an object is masked wherever else it turns up. */
  learn: z.boolean().default(true),
  /** Whether what is masked is also kept as it was, on the tape alone, encrypted to these keys. */
  originals: z
    .strictObject({
      /** X25519 recipients of age, "age1...": each can read all of it, and the gateway none. */
      recipients: z
        .array(text)
        .min(1, 'name at least one, or leave originals out')
        .max(limits.mask.recipients, `at most ${limits.mask.recipients} recipients`),
    })
    .optional(),
  /** What cannot be looked into: TLS inside a port-forward, compressed bytes. */
  opaque: z.enum(['pass', 'deny']).default('pass'),
})

export type MaskingDocument = DeepReadonly<z.infer<typeof maskingDocument>>
export type MaskRuleDocument = MaskingDocument['rules'][number]
export type SubjectDocument = MaskingDocument['exempt'][number]
