// Renders a chart as Helm does, as far as this repository's chart needs it: Helm itself is not to be had everywhere this
// runs. The template language, its functions and YAML are the packages that Helm is built from (text/template, sprig,
// sigs.k8s.io/yaml); what Helm adds to them and this chart uses is below. Missing here: subcharts, hooks, lookup, .Files,
// .Capabilities, tpl, and Helm's order of kinds; a template that uses one of them fails.
//
//	render CHART RELEASE NAMESPACE [VALUES.json]
//
// prints {"templates/x.yaml": "…"}; VALUES.json is laid over values.yaml as -f is.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
	"sigs.k8s.io/yaml"
)

func main() {
	if len(os.Args) < 4 {
		fatal(errors.New("usage: render CHART RELEASE NAMESPACE [VALUES.json]"))
	}
	rendered, err := render(os.Args[1], os.Args[2], os.Args[3], os.Args[4:])
	if err != nil {
		fatal(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(rendered); err != nil {
		fatal(err)
	}
}

func fatal(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func render(folder, release, namespace string, overlays []string) (map[string]string, error) {
	chart, err := readYaml(filepath.Join(folder, "Chart.yaml"))
	if err != nil {
		return nil, err
	}
	values, err := readYaml(filepath.Join(folder, "values.yaml"))
	if err != nil {
		return nil, err
	}
	for _, path := range overlays {
		overlay, err := readYaml(path)
		if err != nil {
			return nil, err
		}
		values = lay(overlay, values)
	}

	root := template.New("chart").Option("missingkey=zero")
	root.Funcs(functions(root))
	files, err := filepath.Glob(filepath.Join(folder, "templates", "*"))
	if err != nil {
		return nil, err
	}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		if _, err := root.New("templates/" + filepath.Base(path)).Parse(string(text)); err != nil {
			return nil, err
		}
	}

	data := map[string]interface{}{
		"Values":  values,
		"Release": map[string]interface{}{"Name": release, "Namespace": namespace, "Service": "Helm"},
		// In templates the chart's fields are capitalised.
		"Chart": map[string]interface{}{"Name": chart["name"], "Version": chart["version"], "AppVersion": chart["appVersion"]},
	}
	rendered := map[string]string{}
	for _, path := range files {
		name := "templates/" + filepath.Base(path)
		if strings.HasPrefix(filepath.Base(path), "_") {
			continue
		}
		var out bytes.Buffer
		if err := root.ExecuteTemplate(&out, name, data); err != nil {
			return nil, err
		}
		// Helm does the same: a missing key prints nothing, as with missingkey=zero alone it would not.
		rendered[name] = strings.ReplaceAll(out.String(), "<no value>", "")
	}
	return rendered, nil
}

func functions(root *template.Template) template.FuncMap {
	funcs := sprig.TxtFuncMap()
	for _, unsafe := range []string{"env", "expandenv"} {
		delete(funcs, unsafe)
	}
	funcs["include"] = func(name string, data interface{}) (string, error) {
		var out bytes.Buffer
		err := root.ExecuteTemplate(&out, name, data)
		return out.String(), err
	}
	funcs["required"] = func(message string, value interface{}) (interface{}, error) {
		if text, isText := value.(string); value == nil || isText && text == "" {
			return nil, errors.New(message)
		}
		return value, nil
	}
	funcs["toYaml"] = func(value interface{}) (string, error) {
		text, err := yaml.Marshal(value)
		return strings.TrimSuffix(string(text), "\n"), err
	}
	return funcs
}

// Maps are laid over maps; null removes what is below; anything else takes its place.
func lay(over, under map[string]interface{}) map[string]interface{} {
	for key, value := range over {
		above, isMap := value.(map[string]interface{})
		below, wasMap := under[key].(map[string]interface{})
		switch {
		case isMap && wasMap:
			under[key] = lay(above, below)
		case value == nil:
			delete(under, key)
		default:
			under[key] = value
		}
	}
	return under
}

func readYaml(path string) (map[string]interface{}, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	content := map[string]interface{}{}
	if err := yaml.Unmarshal(text, &content); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return content, nil
}
