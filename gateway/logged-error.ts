// An error -> what the log says of it: its kind, its words, its place. The words of the runtime's own parsers quote what was
// parsed, and some errors keep it beside their words: both may be a caller's bytes, and stay out.

export interface LoggedError {
  readonly type: string
  readonly message: string
  readonly code?: string
  /** Of its cause, if it has one. */
  readonly cause?: LoggedError
  readonly stack: string
}

/** Causes of causes that are told. */
const DEPTH = 4

/** Anything that was thrown. */
export function loggedError(error: unknown, depth = DEPTH): LoggedError {
  if (!(error instanceof Error))
    return { type: typeof error, message: 'something that is no error was thrown', stack: '' }
  const { name, message, stack = '', cause } = error
  const { code } = error as { readonly code?: unknown }
  const frames = stack.split('\n').filter((line) => /^\s+at /.test(line))
  return {
    type: name,
    message: error instanceof SyntaxError ? 'a text could not be parsed' : message,
    ...(typeof code === 'string' ? { code } : {}),
    ...(cause instanceof Error && depth > 0 ? { cause: loggedError(cause, depth - 1) } : {}),
    stack: frames.join('\n'),
  }
}
