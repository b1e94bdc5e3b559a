/**
 * Trees as one ONNX operator, TreeEnsemble of `ai.onnx.ml` 5: sets of categories are sets there, 32-bit
 * floats are added up in the order of the trees. Knows nothing about terms.
 */

import type { Tree, TreeEnsemble } from '../tree-ensemble.ts'
import {
  type Attribute,
  intAttribute,
  intsAttribute,
  tensor,
  tensorAttribute,
} from './onnx-proto.ts'

/** The operator; its input is (rides x features) of 32-bit floats, its output (rides x 1). */
export const treesOperator = 'TreeEnsemble'

/** `nodes_modes` of the splits that are written. */
export const nodeModes = { less: 1, equal: 4, member: 6 } as const

/** Nodes that split, as parallel lists, and leaves apart from them. */
interface Lists {
  readonly features: number[]
  readonly modes: number[]
  readonly splits: number[]
  /** Of the true and the false branch: the place of the node or leaf, and 1 for a leaf. */
  readonly branches: readonly [Branch, Branch]
  readonly missingTrue: number[]
  readonly weights: number[]
  /** The members of every set, each set followed by NaN. */
  readonly members: number[]
}

interface Branch {
  readonly at: number[]
  readonly isLeaf: number[]
}

/** A split in the terms of the operator: which values its true branch takes. */
interface Split {
  readonly mode: number
  readonly split: number
  readonly members: readonly number[]
  /** The true branch is the left one. */
  readonly trueIsLeft: boolean
}

/**
 * The attributes of the operator.
 *
 * @param levels number of levels by feature; codes are below it, missing ones NaN
 */
export function treeAttributes(
  { trees, base }: TreeEnsemble,
  levels: readonly number[],
): Attribute[] {
  const branch = (): Branch => ({ at: [], isLeaf: [] })
  const lists: Lists = {
    features: [],
    modes: [],
    splits: [],
    branches: [branch(), branch()],
    missingTrue: [],
    weights: [],
    members: [],
  }
  // The sum starts with the base, so that it is rounded as it is here.
  const roots = [addLeafTree(lists, base), ...trees.map((tree) => addTree(lists, tree, levels))]
  const floats = (name: string, values: readonly number[]): Attribute =>
    tensorAttribute(name, tensor(name, 'float', [values.length], values))
  const [whenTrue, whenFalse] = lists.branches
  const modes = tensor('nodes_modes', 'uint8', [lists.modes.length], lists.modes)
  return [
    intAttribute('n_targets', 1),
    intAttribute('aggregate_function', 1),
    intAttribute('post_transform', 0),
    intsAttribute('tree_roots', roots),
    intsAttribute('nodes_featureids', lists.features),
    tensorAttribute('nodes_modes', modes),
    floats('nodes_splits', lists.splits),
    intsAttribute('nodes_truenodeids', whenTrue.at),
    intsAttribute('nodes_trueleafs', whenTrue.isLeaf),
    intsAttribute('nodes_falsenodeids', whenFalse.at),
    intsAttribute('nodes_falseleafs', whenFalse.isLeaf),
    intsAttribute('nodes_missing_value_tracks_true', lists.missingTrue),
    intsAttribute('leaf_targetids', new Array<number>(lists.weights.length).fill(0)),
    floats('leaf_weights', lists.weights),
    ...(lists.members.length > 0 ? [floats('membership_values', lists.members)] : []),
  ]
}

/**
 * A tree that is one leaf, as a split with the same leaf twice: the place of the root in the list of
 * nodes; the operator has no other way to say it that all versions of ONNX Runtime read alike.
 */
function addLeafTree(lists: Lists, value: number): number {
  const root = addNode(
    lists,
    0,
    { mode: nodeModes.less, split: 0, members: [], trueIsLeft: true },
    1,
  )
  for (const branch of lists.branches) {
    branch.at[root] = addLeaf(lists, value)
    branch.isLeaf[root] = 1
  }
  return root
}

function addTree(lists: Lists, tree: Tree, levels: readonly number[]): number {
  if ((tree.feature[0] ?? -1) < 0) return addLeafTree(lists, tree.value[0] ?? 0)
  const add = (node: number): number => {
    const feature = tree.feature[node] as number
    const split = splitOf(tree, node, levels[feature] ?? 0)
    const missingLeft = tree.missingLeft[node] === 1
    const place = addNode(lists, feature, split, missingLeft === split.trueIsLeft ? 1 : 0)
    const [left, right] = [tree.left[node] as number, tree.right[node] as number]
    const children = split.trueIsLeft ? [left, right] : [right, left]
    for (const [k, child] of children.entries()) {
      const branch = lists.branches[k] as Branch
      const isLeaf = (tree.feature[child] as number) < 0
      branch.isLeaf[place] = isLeaf ? 1 : 0
      branch.at[place] = isLeaf ? addLeaf(lists, tree.value[child] as number) : add(child)
    }
    return place
  }
  return add(0)
}

function addNode(lists: Lists, feature: number, split: Split, missingTrue: number): number {
  const { features, modes, splits, branches, members } = lists
  features.push(feature)
  modes.push(split.mode)
  splits.push(split.split)
  lists.missingTrue.push(missingTrue)
  for (const { at, isLeaf } of branches) {
    at.push(0)
    isLeaf.push(0)
  }
  // One by one: a set may hold more members than a call takes arguments.
  for (const member of split.members) members.push(member)
  if (split.mode === nodeModes.member) members.push(Number.NaN)
  return features.length - 1
}

function addLeaf({ weights }: Lists, value: number): number {
  return weights.push(value) - 1
}

/** Of a set and what is outside of it, the smaller one is written. */
function splitOf(tree: Tree, node: number, levels: number): Split {
  const bits = tree.categories.get(node)
  if (!bits) {
    const split = tree.threshold[node] as number
    return { mode: nodeModes.less, split, members: [], trueIsLeft: true }
  }
  const sides: [number[], number[]] = [[], []]
  for (let code = 0; code < levels; code++) {
    const isRight = (((bits[code >>> 5] ?? 0) >>> (code & 31)) & 1) as 0 | 1
    sides[isRight].push(code)
  }
  const [left, right] = sides
  const trueIsLeft = left.length < right.length
  const members = trueIsLeft ? left : right
  // A set must not be empty: no code is -1.
  if (members.length === 0) return { mode: nodeModes.equal, split: -1, members, trueIsLeft }
  return { mode: nodeModes.member, split: 0, members, trueIsLeft }
}
