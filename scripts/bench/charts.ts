// Draws plots as SVG, without a screen. Text and lines have the page's own colour, to be readable in light and dark
// mode.
import type { CustomSeriesRenderItem, EChartsOption } from 'echarts';
import { init } from 'echarts';

import type { Spread } from './statistics';

/** In the servers' order. Colour-blind readers can tell them apart, too, on white and on black. */
const COLOURS = ['#3b8bd0', '#e08a00', '#0b9e73', '#c869a0', '#d55e00', '#8a7f00', '#7b6fd0'];
const INK = 'currentColor';
const FAINT = '#8884';

/** A server and the index of its colour in all plots. */
export interface Painted {
  name: string;
  colour: number;
}

export interface Bar extends Painted {
  /** Min and max are drawn as a line over the bar. */
  value: Spread;
}

export interface Row {
  name: string;
  /** By series; null if there is nothing to draw. */
  values: (Spread | null)[];
}

export interface Series extends Painted {
  values: number[];
}

export interface Course extends Painted {
  /** `at` in seconds. */
  points: readonly { at: number; value: number }[];
}

/** A bar for each name; `unit` is written at the axis. */
export function barChart(bars: readonly Bar[], unit: string): string {
  return draw(560, 74 + 34 * bars.length, {
    grid: { left: 8, right: 70, top: 8, bottom: 36, containLabel: true },
    xAxis: { ...valueAxis(unit), min: 0 },
    yAxis: { ...categoryAxis(bars.map(({ name }) => name)), inverse: true },
    series: [
      {
        type: 'bar', barWidth: 18,
        data: bars.map(({ value, colour }) => ({ value: value.median, itemStyle: { color: paint(colour) } })),
        label: {
          show: true, position: 'insideLeft', color: '#fff', fontWeight: 'bold',
          formatter: ({ dataIndex }) => short(bars[dataIndex].value.median),
        },
      },
      {
        type: 'custom', z: 3, renderItem: whisker((_api, y) => y, INK, false),
        encode: { x: [0, 3], y: 1 }, // the axis has room for the greatest
        data: bars.map(({ value }, i) => [value.median, i, value.min, value.max]),
      },
    ],
  });
}

/** For each row and series a dot with a line from min to max, on a logarithmic axis; a line marks 1. */
export function dotChart(rows: readonly Row[], series: readonly Painted[], unit: string): string {
  return draw(1140, 100 + rows.length * (20 + 14 * series.length), {
    legend: legend(series),
    grid: { left: 8, right: 24, top: 36, bottom: 36, containLabel: true },
    xAxis: { ...valueAxis(unit), type: 'log', logBase: 2, ...around(rows) },
    yAxis: { ...categoryAxis(rows.map(({ name }) => name)), inverse: true },
    series: series.map(({ name, colour }, k) => ({
      name, type: 'custom' as const, itemStyle: { color: paint(colour) },
      renderItem: whisker((band, y) => y + band * ((k + 1) / (series.length + 1) - 0.5), paint(colour), true),
      data: rows.flatMap(({ values }, i) => {
        const value = values[k];
        return value === null ? [] : [[value.median, i, value.min, value.max]];
      }),
      ...(k > 0 ? {} : {
        markLine: {
          silent: true, symbol: 'none', lineStyle: { color: INK, type: 'dashed' as const }, label: { show: false },
          data: [{ xAxis: 1 }],
        },
      }),
    })),
  });
}

/** For each series a line over the names, on a logarithmic axis. */
export function lineChart(names: readonly string[], series: readonly Series[]): string {
  const least = Math.min(...series.flatMap(({ values }) => values));
  return draw(560, 260, {
    legend: legend(series),
    grid: { left: 8, right: 16, top: 36, bottom: 8, containLabel: true },
    xAxis: categoryAxis(names),
    yAxis: {
      ...valueAxis(''), type: 'log',
      min: 10 ** Math.floor(Math.log10(Math.max(least, 0.1) * 0.999)),
    },
    series: series.map(({ name, values, colour }) => ({
      name, type: 'line' as const, symbol: 'circle', symbolSize: 7, color: paint(colour), data: values,
    })),
  });
}

/** For each course a line over time; `unit` is written at the axis of its values. */
export function timeChart(courses: readonly Course[], unit: string): string {
  return draw(560, 260, {
    legend: legend(courses),
    grid: { left: 28, right: 16, top: 36, bottom: 36, containLabel: true },
    xAxis: { ...valueAxis('minutes'), min: 0 },
    yAxis: { ...valueAxis(unit), min: 0, nameGap: 44 },
    series: courses.map(({ name, points, colour }) => ({
      name, type: 'line' as const, showSymbol: false, lineStyle: { width: 1.2 }, color: paint(colour),
      data: points.map(({ at, value }) => [at / 60, value]),
    })),
  });
}

function draw(width: number, height: number, option: EChartsOption): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height });
  try {
    chart.setOption({ animation: false, textStyle: { color: INK, fontFamily: 'sans-serif' }, ...option });
    return chart.renderToSVGString();
  } finally {
    chart.dispose();
  }
}

/** A line from min to max, with a dot at the median if `dot`. A datum is [median, row, min, max]. */
function whisker(place: (band: number, y: number) => number, stroke: string, dot: boolean): CustomSeriesRenderItem {
  return (_params, api) => {
    const row = api.value(1);
    const [x, middle] = api.coord([api.value(0), row]);
    const [from] = api.coord([api.value(2), row]);
    const [to] = api.coord([api.value(3), row]);
    const size = api.size?.([0, 1]);
    const y = place(Array.isArray(size) ? size[1] : 0, middle);
    const line = (x1: number, y1: number, x2: number, y2: number) => ({
      type: 'line' as const, shape: { x1, y1, x2, y2 }, style: { stroke, lineWidth: dot ? 2 : 1.5 },
    });
    return {
      type: 'group',
      children: [
        line(from, y, to, y), line(from, y - 4, from, y + 4), line(to, y - 4, to, y + 4),
        ...(dot ? [{ type: 'circle' as const, shape: { cx: x, cy: y, r: 4.5 }, style: { fill: stroke } }] : []),
      ],
    };
  };
}

/** Bounds of a logarithmic axis that has 1 on it: powers of 2. */
function around(rows: readonly Row[]): { min: number; max: number } {
  const all = rows.flatMap(({ values }) => values.flatMap((value) => (value === null ? [] : [value.min, value.max])));
  return {
    min: 2 ** Math.floor(Math.log2(Math.min(1, ...all) * 0.999)),
    max: 2 ** Math.ceil(Math.log2(Math.max(1, ...all) * 1.001)),
  };
}

function paint(i: number): string {
  return COLOURS[i % COLOURS.length];
}

function legend(series: readonly Painted[]) {
  return { data: series.map(({ name }) => name), top: 0, left: 0, textStyle: { color: INK }, itemWidth: 14 };
}

function categoryAxis(names: readonly string[]) {
  return {
    type: 'category' as const, data: [...names], axisTick: { show: false }, axisLabel: { color: INK },
    axisLine: { lineStyle: { color: FAINT } },
  };
}

function valueAxis(unit: string) {
  return {
    type: 'value' as const, name: unit, nameLocation: 'middle' as const, nameGap: 24, nameTextStyle: { color: INK },
    axisLabel: { color: INK, formatter: (value: number) => short(value), hideOverlap: true },
    splitLine: { lineStyle: { color: FAINT } },
  };
}

/** A number in few characters: 1,500,000 is 1.5M. */
export function short(value: number): string {
  if (value >= 1e6) return `${Number((value / 1e6).toPrecision(3))}M`;
  if (value >= 1e3) return `${Number((value / 1e3).toPrecision(3))}k`;
  return String(Number(value.toPrecision(3)));
}
