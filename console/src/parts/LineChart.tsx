/** Draws lines with ECharts; only its line chart and what that needs is loaded. */
import { LineChart as LineType, type LineSeriesOption } from "echarts/charts";
import {
  GridComponent,
  LegendComponent,
  TooltipComponent,
  type GridComponentOption,
  type LegendComponentOption,
  type TooltipComponentOption,
} from "echarts/components";
import { init, use, type ComposeOption, type EChartsType } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { useEffect, useRef } from "react";
import { useScheme, type Scheme } from "../theme";
import type { ChartProps } from "./Chart";

use([LineType, GridComponent, LegendComponent, TooltipComponent, CanvasRenderer]);

type Option = ComposeOption<
  LineSeriesOption | GridComponentOption | LegendComponentOption | TooltipComponentOption
>;

const COLORS: Record<Scheme, string[]> = {
  light: ["#0f62c9", "#0b7a3b", "#9a5b00", "#8a3ffc"],
  dark: ["#6aaaff", "#4cc27d", "#f0b04a", "#be95ff"],
};

export default function LineChart(props: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<EChartsType>(null);
  const scheme = useScheme();

  useEffect(() => {
    if (!place.current) return undefined;
    const drawn = init(place.current);
    const resized = new ResizeObserver(() => drawn.resize());
    resized.observe(place.current);
    chart.current = drawn;
    return () => {
      resized.disconnect();
      drawn.dispose();
    };
  }, []);

  useEffect(() => chart.current?.setOption(option(props, scheme)));
  return <div className="chart" ref={place} />;
}

function option({ lines, format }: ChartProps, scheme: Scheme): Option {
  const text = scheme === "dark" ? "#a3abb8" : "#5a6473";
  const rule = scheme === "dark" ? "#303846" : "#e6e9ee";
  return {
    animation: false,
    color: COLORS[scheme],
    textStyle: { color: text },
    grid: { left: 8, right: 12, top: lines.length > 1 ? 32 : 12, bottom: 4, containLabel: true },
    legend: { show: lines.length > 1, top: 0, textStyle: { color: text } },
    tooltip: { trigger: "axis", valueFormatter: (value) => (typeof value === "number" ? format(value) : "not known") },
    xAxis: { type: "time", axisLabel: { color: text, hideOverlap: true }, axisLine: { lineStyle: { color: rule } } },
    yAxis: {
      type: "value",
      min: 0,
      axisLabel: { color: text, formatter: format },
      splitLine: { lineStyle: { color: rule } },
    },
    series: lines.map(({ name, points }) => ({
      type: "line",
      name,
      data: points,
      showSymbol: points.length < 2,
      lineStyle: { width: 1.5 },
    })),
  };
}
