// The layout of a treemap: Bruls, Huizing and van Wijk, "Squarified Treemaps" (2000).

/** Return the items with boxes that fill an area, each as large as its value. */
export function squarify(items, value, area) {
  const ordered = [...items].sort((left, right) => value(right) - value(left));
  const sum = ordered.reduce((total, item) => total + value(item), 0);
  const scale = (area.width * area.height) / (sum || 1);
  const placed = [];
  let rest = { ...area };
  let row = [];
  for (const item of ordered) {
    const candidate = { item, size: value(item) * scale };
    const side = Math.min(rest.width, rest.height);
    if (row.length && worst([...row, candidate], side) > worst(row, side)) {
      rest = place(row, rest, placed);
      row = [];
    }
    row.push(candidate);
  }
  if (row.length) place(row, rest, placed);
  return placed;
}

/** Return the worst ratio of sides in a row along a side. */
function worst(row, side) {
  const sum = row.reduce((total, each) => total + each.size, 0);
  const largest = Math.max(...row.map((each) => each.size));
  const smallest = Math.min(...row.map((each) => each.size));
  return Math.max((side * side * largest) / (sum * sum), (sum * sum) / (side * side * smallest));
}

/** Place a row along the shorter side, and return the area that is left. */
function place(row, area, placed) {
  const sum = row.reduce((total, each) => total + each.size, 0);
  const isWide = area.width >= area.height;
  const thick = sum / ((isWide ? area.height : area.width) || 1);
  let offset = isWide ? area.top : area.left;
  for (const { item, size } of row) {
    const long = size / (thick || 1);
    const box = isWide
      ? { left: area.left, top: offset, width: thick, height: long }
      : { left: offset, top: area.top, width: long, height: thick };
    placed.push({ item, box });
    offset += long;
  }
  return isWide
    ? { ...area, left: area.left + thick, width: Math.max(area.width - thick, 0) }
    : { ...area, top: area.top + thick, height: Math.max(area.height - thick, 0) };
}
