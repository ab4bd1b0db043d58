// Requests to /v1 of the admin API -> tapes and the log as they are stored. It only reads, and gives entries as raw bytes
// with their stored hashes, so that who asks can verify them without trusting this process.

import { Hono } from 'hono'
import { limits } from '../../protocols/limits.ts'
import { isUlid } from '../../protocols/tape/ulid.ts'
import { frame } from '../../replay/entry-frames.ts'
import { BadFilter, parseFilter } from '../../replay/tape-filter.ts'
import { NoSuchTape, type TapeSummary, type Tapes } from '../../replay/tapes.ts'
import { refuse } from '../decision.ts'
import { refusalResponse } from './answers.ts'

const BYTES = { 'content-type': 'application/octet-stream' }

/** The routes under /v1. Whoever mounts them has checked the token. */
export function tapeRoutes(tapes: Tapes): Hono {
  const routes = new Hono()
  let transfers = 0

  /** A stream of frames, if there is room for one more. The first frame is read before the answer begins. */
  async function transfer(frames: AsyncIterator<Uint8Array>): Promise<Response> {
    if (transfers >= limits.admin.transfers) {
      return refusalResponse(
        refuse(503, 'ServiceUnavailable', 'admin.transfers', 'too many transfers at once; try again later'),
      )
    }
    transfers++
    const done = (): void => {
      transfers--
    }
    try {
      const first = await frames.next()
      return new Response(streamOf(first, frames, done), { headers: BYTES })
    } catch (error) {
      done()
      if (error instanceof NoSuchTape) return refusalResponse(refuse(404, 'NotFound', 'tapes.unknown', error.message))
      throw error
    }
  }

  routes.get('/tapes', async (context) => {
    try {
      const filter = parseFilter(new URL(context.req.url).searchParams)
      const list: TapeSummary[] = []
      for await (const summary of tapes.list(filter)) list.push(summary)
      const last = list.at(-1)
      return context.json({
        tapes: list,
        ...(last !== undefined && list.length === filter.limit && { cursor: last.id }),
      })
    } catch (error) {
      if (!(error instanceof BadFilter)) throw error
      return refusalResponse(refuse(400, 'BadRequest', 'tapes.filter', error.message))
    }
  })

  routes.get('/tapes/:id', async (context) => {
    const id = context.req.param('id')
    if (!isUlid(id))
      return refusalResponse(
        refuse(400, 'BadRequest', 'tapes.id', 'a tape id is a ULID: 26 digits and capital letters'),
      )
    return transfer(framesOf(tapes.stored(id)))
  })

  routes.get('/log/leaves', () => transfer(framesOf(tapes.log.leaves())))

  routes.get('/log/checkpoint', async (context) => {
    const checkpoint = await tapes.log.checkpoint()
    if (checkpoint === undefined)
      return refusalResponse(refuse(404, 'NotFound', 'log.checkpoint', 'there is no checkpoint yet'))
    return context.text(checkpoint)
  })

  return routes
}

async function* framesOf(values: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const value of values) yield frame(value)
}

/** One chunk for each pull, so that a slow reader holds nothing but the next one. `done` is called once. */
function streamOf(
  first: IteratorResult<Uint8Array>,
  frames: AsyncIterator<Uint8Array>,
  done: () => void,
): ReadableStream<Uint8Array> {
  let next: IteratorResult<Uint8Array> | undefined = first
  let over = false
  const end = (): void => {
    if (!over) done()
    over = true
  }
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const result = next ?? (await frames.next())
          next = undefined
          if (!result.done) return controller.enqueue(result.value)
          end()
          controller.close()
        } catch (error) {
          // The answer breaks off, so the reader knows that it is not whole.
          end()
          controller.error(error)
        }
      },
      async cancel() {
        end()
        await frames.return?.()
      },
    },
    { highWaterMark: 0 },
  )
}
