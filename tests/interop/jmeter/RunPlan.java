import java.lang.reflect.Field;

/**
 * Runs a plan with Debian's JMeter 2.13. Its own start script cannot: the package has a newer XStream, which refuses to
 * read every class that is not allowed, and JMeter 2.13 allows none. Here all are allowed, for plans of our own.
 *
 * java -cp /usr/share/jmeter/bin/ApacheJMeter.jar RunPlan.java -n -t plan.jmx -l samples.csv
 */
public class RunPlan {
    static final String HOME = "/usr/share/jmeter";

    public static void main(String[] arguments) throws Exception {
        System.setProperty("jmeter.home", HOME);
        System.setProperty("java.class.path", HOME + "/bin/ApacheJMeter.jar"); // the driver finds its folder by it
        ClassLoader loader = null;
        for (Field field : Class.forName("org.apache.jmeter.NewDriver").getDeclaredFields()) {
            if (ClassLoader.class.isAssignableFrom(field.getType())) {
                field.setAccessible(true);
                loader = (ClassLoader) field.get(null);
            }
        }
        Thread.currentThread().setContextClassLoader(loader);
        Class<?> utilities = loader.loadClass("org.apache.jmeter.util.JMeterUtils");
        utilities.getMethod("setJMeterHome", String.class).invoke(null, HOME);
        utilities.getMethod("loadJMeterProperties", String.class).invoke(null, HOME + "/bin/jmeter.properties");
        Class<?> permission = loader.loadClass("com.thoughtworks.xstream.security.TypePermission");
        Object any = loader.loadClass("com.thoughtworks.xstream.security.AnyTypePermission").getField("ANY").get(null);
        for (Field field : loader.loadClass("org.apache.jmeter.save.SaveService").getDeclaredFields()) {
            if (field.getType().getName().equals("com.thoughtworks.xstream.XStream")) {
                field.setAccessible(true);
                Object xstream = field.get(null);
                xstream.getClass().getMethod("addPermission", permission).invoke(xstream, any);
            }
        }
        Class<?> jmeter = loader.loadClass("org.apache.jmeter.JMeter");
        Object instance = jmeter.getDeclaredConstructor().newInstance();
        jmeter.getMethod("start", String[].class).invoke(instance, (Object) arguments);
    }
}
