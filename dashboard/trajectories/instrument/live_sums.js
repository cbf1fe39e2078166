// Sums and sums of squares of every sample in a window of epochs, kept up while it moves.
//
// The rows are whole numbers from 0 to 65,534, so both sums are exact in their types (up to 32,000
// epochs) and nothing drifts, however long a window is dragged to and fro.

/** @typedef {[first: number, last: number]} Span epochs, 1-based and inclusive */
/** @typedef {(epoch: number) => Uint16Array} RowOf */

class WindowSums {
  /** @param {number} nSamples */
  constructor(nSamples) {
    this.sum = new Int32Array(nSamples);
    this.squares = new Float64Array(nSamples);
    /** @type {Span | null} */
    this.span = null;
  }

  /**
   * Move to another window: add the rows it gains, take away those it loses.
   * @param {Span} span
   * @param {RowOf} rowOf
   */
  moveTo(span, rowOf) {
    const before = this.span;
    const isNear = before && rowsBetween(before, span) <= span[1] - span[0] + 1;
    if (!isNear) {
      this.sum.fill(0);
      this.squares.fill(0);
    }
    const from = isNear ? before : null;
    for (let epoch = span[0]; epoch <= span[1]; epoch++) {
      if (!from || epoch < from[0] || epoch > from[1]) this.add(rowOf(epoch));
    }
    for (let epoch = from?.[0] ?? 1; epoch <= (from?.[1] ?? 0); epoch++) {
      if (epoch < span[0] || epoch > span[1]) this.take(rowOf(epoch));
    }
    this.span = [span[0], span[1]];
  }

  /** @param {Uint16Array} row */
  add(row) {
    const { sum, squares } = this;
    for (let i = 0; i < row.length; i++) {
      const value = row[i];
      sum[i] += value;
      squares[i] += value * value;
    }
  }

  /** @param {Uint16Array} row */
  take(row) {
    const { sum, squares } = this;
    for (let i = 0; i < row.length; i++) {
      const value = row[i];
      sum[i] -= value;
      squares[i] -= value * value;
    }
  }
}

/**
 * How many rows lie in one of two windows and not in the other.
 * @param {Span} one
 * @param {Span} other
 * @returns {number}
 */
function rowsBetween(one, other) {
  const common = Math.max(0, Math.min(one[1], other[1]) - Math.max(one[0], other[0]) + 1);
  return one[1] - one[0] + other[1] - other[0] + 2 - 2 * common;
}
