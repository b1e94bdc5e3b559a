import { EventEmitter } from 'node:events'
import { describe, expect, test } from 'vitest'
import { createLog } from '../../src/log.ts'
import { endOnFault, type ProcessHandle, stopOnSignal } from '../../src/serve/lifetime.ts'
import type { RunningServer } from '../../src/serve/server.ts'
import { LogLines } from './listening.ts'

/** A process that only notes how it ended. */
class FakeProcess extends EventEmitter implements ProcessHandle {
  readonly codes: number[] = []
  exit(code: number): void {
    this.codes.push(code)
    this.emit('exit')
  }
}

function setUp(stopped: Promise<number>): { handle: FakeProcess; log: LogLines; stops: number[] } {
  const handle = new FakeProcess()
  const log = new LogLines()
  const stops: number[] = []
  const stop = (): Promise<number> => {
    stops.push(1)
    return stopped
  }
  stopOnSignal({ stop } as RunningServer, createLog('serve', 'info', log), handle)
  return { handle, log, stops }
}

describe('stopOnSignal', () => {
  test.each(['SIGTERM', 'SIGINT'])('%s stops the server and exits with 0', async (signal) => {
    const { handle, log } = setUp(Promise.resolve(0))
    handle.emit(signal, signal)
    await new Promise((done) => handle.once('exit', done))
    expect(handle.codes).toEqual([0])
    expect(log.lines).toMatchObject([{ event: 'stopping', signal }, { event: 'stopped' }])
  })

  test('exits with 1 and says so when requests were cut off', async () => {
    const { handle, log } = setUp(Promise.resolve(3))
    handle.emit('SIGTERM', 'SIGTERM')
    await new Promise((done) => handle.once('exit', done))
    expect(handle.codes).toEqual([1])
    expect(log.lines[1]).toMatchObject({ level: 'warn', requests_cut_off: 3 })
  })

  test('a second signal exits with 1 at once', () => {
    const { handle, stops } = setUp(new Promise(() => {}))
    handle.emit('SIGTERM', 'SIGTERM')
    expect(handle.codes).toEqual([])
    handle.emit('SIGINT', 'SIGINT')
    expect(handle.codes).toEqual([1])
    expect(stops).toEqual([1])
  })
})

test('endOnFault logs what nobody caught, and exits with 1', () => {
  const handle = new FakeProcess()
  const log = new LogLines()
  endOnFault(createLog('serve', 'info', log), handle)
  handle.emit('uncaughtException', new Error('unforeseen'))
  expect(handle.codes).toEqual([1])
  expect(log.lines).toMatchObject([{ level: 'fatal', error: { message: 'unforeseen' } }])
})
