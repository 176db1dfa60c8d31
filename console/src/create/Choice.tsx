/** One of a few, each with what it means: cards of which one is chosen. */
import { useId } from "react";

interface ChoiceProps {
  label: string;
  help?: string;
  value: string;
  /** [value, name, explanation] */
  options: [string, string, string][];
  onChange: (value: string) => void;
}

export function Choice({ label, help, value, options, onChange }: ChoiceProps) {
  const name = useId();
  return (
    <fieldset className="choices">
      <legend>{label}</legend>
      {help && <p className="faint">{help}</p>}
      <div className="choice-grid">
        {options.map(([option, title, text]) => (
          <label key={option} className="choice">
            <input type="radio" name={name} checked={value === option} onChange={() => onChange(option)} />{" "}
            <strong>{title}</strong>
            {text && <div className="faint">{text}</div>}
          </label>
        ))}
      </div>
    </fieldset>
  );
}
