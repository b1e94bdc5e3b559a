/** A recipe of boosted trees that takes a moment to train, as YAML, named `few`. */
export const fewTrees = `name: few
model: trees
categorical: [PULocationID, DOLocationID]
numeric: [trip_distance, hour]
trees: { rounds: 12, leaves: 8, learning_rate: 0.3 }
intervals: true
`
