/**
 * XGBoost's C interface, as far as training goes, called in this process by `koffi`. Memory that is
 * handed over stays with the caller, who has to keep it until the call is over. Knows nothing about
 * settings or models.
 */

import { messageOf, RidecastError } from '../../errors.ts'

/** A pointer to something of the library. */
export type Handle = object

/** Rows for the library. */
export interface MatrixRows {
  /** (rows x features), row-major; NaN is missing. */
  readonly values: Float32Array
  readonly names: readonly string[]
  readonly isCategory: readonly boolean[]
  /** One per row. */
  readonly target: Float32Array
}

/** The part of the library that is used. Every call throws trainer_failed where the library fails. */
export interface XgboostCalls {
  /** Three numbers. */
  readonly version: readonly number[]
  /**
   * Rows as the library keeps them, a copy of its own. To be freed.
   *
   * @param threads of the library, default as many as there are cores
   */
  matrix(rows: MatrixRows, threads: number | undefined): Handle
  /** Lets go of rows. */
  freeMatrix(matrix: Handle): void
  /** A model without trees that knows these rows. To be freed, before they are. */
  booster(matrices: readonly Handle[]): Handle
  /** Lets go of a model. */
  freeBooster(booster: Handle): void
  /** Sets a parameter by its name. */
  set(booster: Handle, name: string, value: string): void
  /** Grows a tree, on the library's own threads. */
  grow(booster: Handle, round: number, matrix: Handle): Promise<void>
  /** What the metric says of matrices, as `[0]\ta-rmse:1.5`. */
  measure(
    booster: Handle,
    round: number,
    matrices: readonly Handle[],
    names: readonly string[],
  ): string
  /** The model as JSON. */
  save(booster: Handle): string
}

type Koffi = typeof import('koffi')

/** Loads `koffi`, which is an optional dependency. */
export type LoadKoffi = () => Promise<Koffi>

const importKoffi: LoadKoffi = () => import('koffi')

/**
 * Opens the library.
 *
 * @param path of `libxgboost.so`
 * @throws trainer_missing without `koffi`, or where the library cannot be loaded
 */
export async function openXgboost(path: string, load = importKoffi): Promise<XgboostCalls> {
  const koffi = await koffiOf(load)
  try {
    // Threads that wait do so asleep: others may want the cores.
    koffi.load(null).func('int setenv(const char *, const char *, int)')(
      'OMP_WAIT_POLICY',
      'passive',
      0,
    )
    return callsOf(koffi, koffi.load(path))
  } catch (cause) {
    throw new RidecastError(
      'trainer_missing',
      `${path} cannot be loaded: ${messageOf(cause)}; train without --trainer`,
      { cause },
    )
  }
}

async function koffiOf(load: LoadKoffi): Promise<Koffi> {
  try {
    return await load()
  } catch (cause) {
    throw new RidecastError(
      'trainer_missing',
      'XGBoost is called by the package koffi, which is not installed: npm install koffi, or train without --trainer',
      { cause },
    )
  }
}

/** An array as the library is told about it: by its address, so that nothing is copied. */
const arrayInterface = (koffi: Koffi, values: Float32Array, shape: readonly number[]): string =>
  `{"data":[${koffi.address(values)},true],"shape":${JSON.stringify(shape)},"typestr":"<f4","version":3}`

function callsOf(koffi: Koffi, library: ReturnType<Koffi['load']>): XgboostCalls {
  const lastError = library.func('const char *XGBGetLastError()')
  const versionOf = library.func('void XGBoostVersion(_Out_ int *, _Out_ int *, _Out_ int *)')
  const matrixOf = library.func(
    'int XGDMatrixCreateFromDense(const char *, const char *, _Out_ void **)',
  )
  const describe = library.func(
    'int XGDMatrixSetStrFeatureInfo(void *, const char *, const char **, uint64_t)',
  )
  const setInfo = library.func(
    'int XGDMatrixSetInfoFromInterface(void *, const char *, const char *)',
  )
  const freeMatrix = library.func('int XGDMatrixFree(void *)')
  const boosterOf = library.func('int XGBoosterCreate(void **, uint64_t, _Out_ void **)')
  const freeBooster = library.func('int XGBoosterFree(void *)')
  const setParameter = library.func('int XGBoosterSetParam(void *, const char *, const char *)')
  const update = library.func('int XGBoosterUpdateOneIter(void *, int, void *)')
  const evaluate = library.func(
    'int XGBoosterEvalOneIter(void *, int, void **, const char **, uint64_t, _Out_ const char **)',
  )
  const save = library.func(
    'int XGBoosterSaveModelToBuffer(void *, const char *, _Out_ uint64_t *, _Out_ void **)',
  )

  function check(status: number): void {
    if (status === 0) return
    // Its first line says what, the others where in the library.
    const said = String(lastError() ?? '').split('\n')[0]
    throw new RidecastError('trainer_failed', `XGBoost failed: ${said || 'it does not say why'}`)
  }

  function made(call: (out: [Handle | null]) => number): Handle {
    const out: [Handle | null] = [null]
    check(call(out))
    return out[0] as Handle
  }

  const numbers: [number][] = [[0], [0], [0]]
  versionOf(...numbers)

  return {
    version: numbers.map(([number]) => number),
    matrix({ values, names, isCategory, target }, threads) {
      const shape = [target.length, names.length]
      // JSON has no NaN; the library reads it.
      const options = `{"missing":NaN${threads === undefined ? '' : `,"nthread":${threads}`}}`
      const matrix = made((out) => matrixOf(arrayInterface(koffi, values, shape), options, out))
      const types = isCategory.map((is) => (is ? 'c' : 'float'))
      check(describe(matrix, 'feature_name', [...names], names.length))
      check(describe(matrix, 'feature_type', types, types.length))
      check(setInfo(matrix, 'label', arrayInterface(koffi, target, [target.length])))
      return matrix
    },
    freeMatrix: (matrix) => check(freeMatrix(matrix)),
    booster: (matrices) => made((out) => boosterOf([...matrices], matrices.length, out)),
    freeBooster: (booster) => check(freeBooster(booster)),
    set: (booster, name, value) => check(setParameter(booster, name, value)),
    grow: (booster, round, matrix) =>
      new Promise((resolve, reject) => {
        update.async(booster, round, matrix, (error: unknown, status: number) => {
          try {
            if (error) throw error
            check(status)
            resolve()
          } catch (reason) {
            reject(reason)
          }
        })
      }),
    measure(booster, round, matrices, names) {
      const out: [string | null] = [null]
      check(evaluate(booster, round, [...matrices], [...names], names.length, out))
      return out[0] ?? ''
    },
    save(booster) {
      const [length, data]: [[number], [Handle | null]] = [[0], [null]]
      check(save(booster, '{"format":"json"}', length, data))
      return koffi.decode(data[0], 'char', Number(length[0])) as string
    },
  }
}
